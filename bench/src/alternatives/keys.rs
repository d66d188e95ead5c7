//! The keys of floors and alternatives in Redis. All have one prefix, by which they are deleted in the end.

use nova_domain::{PostId, UserId};

/// Before every key.
pub(crate) const PREFIX: &str = "nova_bench:";

/// The list of a viewer, a sorted set: 16-byte post ids by the time of posting.
pub(crate) fn list(viewer: UserId) -> String {
    format!("{PREFIX}fan:{viewer}")
}

/// Content and counters of a post, a hash.
pub(crate) fn body(post: PostId) -> String {
    format!("{PREFIX}body:{post}")
}

/// An item of a page, a string.
pub(crate) fn item(post: PostId) -> String {
    format!("{PREFIX}item:{post}")
}

/// The fields of a body, in the order in which they are read.
pub(crate) const BODY_FIELDS: [&str; 4] = ["body", "likes", "comments", "shares"];
