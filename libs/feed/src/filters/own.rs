//! The viewer's own posts are no news to the viewer.

use nova_domain::UserId;
use nova_ranking::Merged;

use super::keep;
use crate::trace::{Filter, FilterTrace};

pub(crate) fn apply(posts: &mut Vec<Merged>, viewer: UserId) -> FilterTrace {
    keep(Filter::Own, posts, |post| {
        post.candidate.author_id != viewer
    })
}
