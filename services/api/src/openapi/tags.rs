//! The groups of operations.

pub(crate) const USERS: &str = "users";
pub(crate) const POSTS: &str = "posts";
pub(crate) const COMMENTS: &str = "comments";
pub(crate) const EVENTS: &str = "events";
pub(crate) const FEED: &str = "feed";
pub(crate) const DISCOVER: &str = "discover";
pub(crate) const META: &str = "meta";
