//! The viewer's own posts are no news to the viewer.

use nova_domain::UserId;
use nova_ranking::Merged;

use super::keep;
use crate::trace::FilterTrace;

pub(crate) fn apply(posts: &mut Vec<Merged>, viewer: UserId) -> FilterTrace {
    keep("own", posts, |post| post.candidate.author_id != viewer)
}
