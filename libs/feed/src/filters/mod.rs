//! Who may not be in the feed. Each filter says how many it kept and removed.

pub(crate) mod own;
pub(crate) mod visible;

use nova_ranking::Merged;

use crate::trace::FilterTrace;

/// Keeps what passes, in order.
fn keep(
    filter: &'static str,
    posts: &mut Vec<Merged>,
    passes: impl Fn(&Merged) -> bool,
) -> FilterTrace {
    let before = posts.len();
    posts.retain(passes);
    FilterTrace {
        filter,
        kept: posts.len(),
        removed: before - posts.len(),
    }
}
