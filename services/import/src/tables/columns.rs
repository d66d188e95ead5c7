//! The columns of each file, as the crate's README documents them.

use crate::fields::Spec;
use crate::row::Kind;

const USERS: Spec = Spec {
    columns: &["key", "handle", "display_name", "created_at"],
    required: &["key", "handle", "created_at"],
    others_allowed: false,
};

const FOLLOWS: Spec = Spec {
    columns: &["follower", "followee", "created_at"],
    required: &["follower", "followee", "created_at"],
    others_allowed: false,
};

const POSTS: Spec = Spec {
    columns: &[
        "key",
        "author",
        "caption",
        "media_url",
        "media_type",
        "duration_ms",
        "visibility",
        "created_at",
        "deleted_at",
    ],
    required: &["key", "author", "caption", "media_url", "created_at"],
    others_allowed: false,
};

const LIKES: Spec = Spec {
    columns: &["post", "user", "created_at"],
    required: &["post", "user", "created_at"],
    others_allowed: false,
};

const COMMENTS: Spec = Spec {
    columns: &["key", "post", "user", "body", "created_at"],
    required: &["key", "post", "user", "body", "created_at"],
    others_allowed: false,
};

const EVENTS: Spec = Spec {
    columns: &["key", "user", "type", "post", "dwell_ms", "occurred_at"],
    required: &["key", "user", "type", "post", "occurred_at"],
    others_allowed: false,
};

pub(crate) const fn of(kind: Kind) -> &'static Spec {
    match kind {
        Kind::Users => &USERS,
        Kind::Follows => &FOLLOWS,
        Kind::Posts => &POSTS,
        Kind::Likes => &LIKES,
        Kind::Comments => &COMMENTS,
        Kind::Events => &EVENTS,
    }
}
