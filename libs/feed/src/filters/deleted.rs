//! What is deleted, or never was, is not shown. Not a choice: it cannot be switched off.

use nova_ranking::Merged;

use super::keep;
use super::permission::Permission;
use crate::trace::{Filter, FilterTrace};

pub(crate) fn apply(posts: &mut Vec<Merged>, permission: &Permission<'_>) -> FilterTrace {
    keep(Filter::Deleted, posts, |post| !permission.deleted(post))
}
