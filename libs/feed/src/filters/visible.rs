//! What PostgreSQL lets the viewer see: not deleted, no block in either direction, followers-only posts of followed
//! authors alone. ClickHouse follows within a fraction of a second; this is the word of the source.

use std::collections::HashSet;

use nova_domain::PostId;
use nova_ranking::Merged;

use super::keep;
use crate::trace::FilterTrace;

pub(crate) fn apply(posts: &mut Vec<Merged>, visible: &HashSet<PostId>) -> FilterTrace {
    keep("visible", posts, |post| {
        visible.contains(&post.candidate.post_id)
    })
}
