//! Who may not be in the feed, and what goes to its end. Each filter says how many it kept and removed or moved.

pub(crate) mod blocked;
pub(crate) mod deleted;
pub(crate) mod own;
pub(crate) mod permission;
pub(crate) mod seen;
pub(crate) mod visibility;

use nova_ranking::Merged;

use crate::trace::{Filter, FilterTrace};

/// Keeps what passes, in order.
fn keep(filter: Filter, posts: &mut Vec<Merged>, passes: impl Fn(&Merged) -> bool) -> FilterTrace {
    let before = posts.len();
    posts.retain(passes);
    FilterTrace {
        filter,
        kept: posts.len(),
        removed: before - posts.len(),
        moved: 0,
    }
}
