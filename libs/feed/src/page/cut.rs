//! The cut of a page from a snapshot: what is hidden is left out, and what follows moves up.

use nova_domain::PostBody;

use super::StoredItem;
use crate::answer::ItemCounts;
use crate::rank_types::RankedItem;
use crate::snapshot::FeedSnapshot;

/// Asked for beyond the page each time, so that a hidden item or two cost no second round.
const SPARE: usize = 2;

/// What an item shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) body: PostBody,
    pub(crate) counts: ItemCounts,
    pub(crate) liked: bool,
    /// [`nova_cache::PostRow::post_version`], as known before the body was read.
    pub(crate) post_version: Option<u64>,
}

/// Fills items in.
pub(crate) trait Hydrate {
    /// What each of the items shows, in their order; none for one that may not be shown.
    fn hydrate(&mut self, items: &[RankedItem]) -> impl Future<Output = Vec<Option<Shown>>> + Send;
}

/// A page of a snapshot.
#[derive(Debug, PartialEq)]
pub(crate) struct Cut {
    pub(crate) items: Vec<StoredItem>,
    /// Index of the first item covered.
    pub(crate) start: u32,
    /// Index of the first item that is not.
    pub(crate) end: u32,
    /// Whether there is one.
    pub(crate) more: bool,
    /// Items covered and not shown.
    pub(crate) hidden: usize,
}

/// Cuts at most `limit` items from `start` on. Fewer only at the end of the snapshot.
///
/// One round of hydration, unless more than [`SPARE`] items are hidden; each further round asks for twice as many.
pub(crate) async fn cut(
    snapshot: &FeedSnapshot,
    start: u32,
    limit: u32,
    hydrate: &mut (impl Hydrate + Send),
) -> Cut {
    let start = start.min(snapshot.len());
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut cut = Cut {
        items: Vec::with_capacity(limit.min(snapshot.items.len())),
        start,
        end: start,
        more: false,
        hidden: 0,
    };
    let mut round = 0;
    while cut.items.len() < limit {
        round = (limit - cut.items.len() + SPARE).max(round * 2);
        let candidates = snapshot.slice(cut.end, round);
        if candidates.is_empty() {
            break;
        }
        let mut shown = hydrate.hydrate(candidates).await.into_iter();
        for item in candidates {
            if cut.items.len() == limit {
                break;
            }
            match shown.next().flatten() {
                Some(shown) => cut.items.push(StoredItem::new(item, cut.end, shown)),
                None => cut.hidden += 1,
            }
            cut.end += 1;
        }
    }
    cut.more = cut.end < snapshot.len();
    cut
}
