//! Followers-only posts are for followers, private ones for nobody else. Not a choice: it cannot be switched off.

use nova_ranking::Merged;

use super::keep;
use super::permission::Permission;
use crate::trace::{Filter, FilterTrace};

pub(crate) fn apply(posts: &mut Vec<Merged>, permission: &Permission<'_>) -> FilterTrace {
    keep(Filter::Visibility, posts, |post| {
        permission.meant_for_viewer(post)
    })
}
