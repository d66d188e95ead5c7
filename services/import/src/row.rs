//! One good line: a row of Nova, with its ids made and its values checked, its times still those of the source.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use nova_domain::{EventId, EventType, PostId, UserId};
use nova_social::bulk::{CommentRow, FollowRow, LikeRow, PostRow, UserRow};

use crate::defect::Reason;

/// The kinds of rows, in the order in which they are written: what others refer to comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Users.
    Users,
    /// Who follows whom.
    Follows,
    /// Posts.
    Posts,
    /// Likes.
    Likes,
    /// Comments.
    Comments,
    /// Client events: to Kafka, all others to PostgreSQL.
    Events,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 6] = [
        Self::Users,
        Self::Follows,
        Self::Posts,
        Self::Likes,
        Self::Comments,
        Self::Events,
    ];

    /// The word used for files and in the summary.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Follows => "follows",
            Self::Posts => "posts",
            Self::Likes => "likes",
            Self::Comments => "comments",
            Self::Events => "events",
        }
    }
}

/// An event before its post's author is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventRow {
    pub event_id: EventId,
    pub user_id: UserId,
    pub event_type: EventType,
    pub post_id: PostId,
    pub dwell_ms: Option<u32>,
    pub occurred_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    User(UserRow),
    Follow(FollowRow),
    Post(PostRow),
    Like(LikeRow),
    Comment(CommentRow),
    Event(EventRow),
}

impl Row {
    /// The latest time the row carries.
    pub(crate) fn newest_time(&self) -> DateTime<Utc> {
        match self {
            Self::User(r) => r.created_at,
            Self::Follow(r) => r.created_at,
            Self::Post(r) => r.deleted_at.map_or(r.created_at, |at| at.max(r.created_at)),
            Self::Like(r) => r.created_at,
            Self::Comment(r) => r.created_at,
            Self::Event(r) => r.occurred_at,
        }
    }

    /// Moves every time the row carries; its ids stay.
    pub(crate) fn shift(&mut self, by: chrono::TimeDelta) {
        match self {
            Self::User(r) => r.created_at += by,
            Self::Follow(r) => r.created_at += by,
            Self::Post(r) => {
                r.created_at += by;
                r.deleted_at = r.deleted_at.map(|at| at + by);
            }
            Self::Like(r) => r.created_at += by,
            Self::Comment(r) => r.created_at += by,
            Self::Event(r) => r.occurred_at += by,
        }
    }
}

/// What a line turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parsed {
    Row(Row),
    Bad(Reason),
    /// Good, but not for Nova; the word says why.
    Ignored(&'static str),
}

impl From<Result<Row, Reason>> for Parsed {
    fn from(result: Result<Row, Reason>) -> Self {
        match result {
            Ok(row) => Self::Row(row),
            Err(reason) => Self::Bad(reason),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub file: Arc<str>,
    pub number: u64,
    pub parsed: Parsed,
}
