//! Nobody sees posts of whom they have blocked or who has blocked them. Not a choice: it cannot be switched off.

use nova_ranking::Merged;

use super::keep;
use super::permission::Permission;
use crate::trace::{Filter, FilterTrace};

pub(crate) fn apply(posts: &mut Vec<Merged>, permission: &Permission<'_>) -> FilterTrace {
    keep(Filter::Blocked, posts, |post| !permission.blocked(post))
}
