//! The same rows as ClickHouse holds them.

use nova_olap::load::{CommentFact, EventFact, FollowFact, LikeFact, PostFact};
use nova_social::bulk::{FollowRow, PostRow};
use nova_social::load::{AuthoredComment, AuthoredLike};
use nova_stream::StoredEvent;

pub(super) fn post(row: &PostRow, version: u64) -> PostFact {
    PostFact {
        post_id: row.post_id,
        author_id: row.author_id,
        caption: row.caption.as_str().to_owned(),
        media_url: row.media_url.as_str().to_owned(),
        media_type: row.media_type.as_str(),
        duration_ms: row.duration_ms,
        visibility: row.visibility.as_str(),
        created_at: row.created_at,
        updated_at: row.created_at,
        deleted_at: row.deleted_at,
        version,
        deleted: 0,
    }
}

pub(super) fn follow(row: &FollowRow, version: u64) -> FollowFact {
    FollowFact {
        follower_id: row.follower_id,
        followee_id: row.followee_id,
        created_at: row.created_at,
        version,
        deleted: 0,
    }
}

pub(super) fn like(row: &AuthoredLike, version: u64) -> LikeFact {
    LikeFact {
        post_id: row.post_id,
        user_id: row.user_id,
        author_id: row.author_id,
        created_at: row.created_at,
        version,
        deleted: 0,
    }
}

pub(super) fn comment(row: &AuthoredComment, version: u64) -> CommentFact {
    CommentFact {
        comment_id: row.comment_id,
        post_id: row.post_id,
        user_id: row.user_id,
        author_id: row.author_id,
        created_at: row.created_at,
        version,
        deleted: 0,
    }
}

/// An event is not changed later: its version is that of its arrival, as of any event.
pub(super) fn event(row: &StoredEvent) -> EventFact {
    EventFact {
        event_id: row.event_id,
        user_id: row.user_id,
        event_type: row.event_type.as_str(),
        post_id: row.post_id,
        author_id: row.author_id,
        dwell_ms: row.dwell_ms,
        occurred_at: row.occurred_at,
        received_at: row.received_at,
        version: EventFact::version_of(row.received_at),
    }
}
