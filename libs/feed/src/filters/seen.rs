//! Posts that were on the viewer's screen lately go behind all others, so that a refresh shows new things first.

use std::collections::HashSet;

use nova_domain::PostId;
use nova_ranking::unseen_first;

use crate::rank_types::RankedItem;
use crate::trace::{Filter, FilterTrace};

/// Also gives how many are not seen.
pub(crate) fn apply(items: &mut Vec<RankedItem>, seen: &HashSet<PostId>) -> (FilterTrace, usize) {
    let unseen = unseen_first(items, |item| seen.contains(&item.ranked.candidate.post_id));
    let trace = FilterTrace {
        filter: Filter::Seen,
        kept: unseen,
        removed: 0,
        moved: items.len() - unseen,
    };
    (trace, unseen)
}
