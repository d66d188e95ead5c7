//! A page that was kept, with what has happened since.

use nova_cache::{Overlay, PostRow};
use nova_domain::{PostId, UserId};

use super::StoredPage;
use crate::answer::{FeedItem, ItemCounts};

/// What a page that was kept is worth now.
#[derive(Debug, PartialEq)]
pub(crate) enum Dressed {
    /// All of it may be shown.
    Whole(Vec<FeedItem>),
    /// Something on it may not be shown any more, or was changed: it has to be cut anew.
    Outdated,
}

/// Whether an item may not be shown any more: deleted, blocked either way, or there only for a follow that was undone.
pub(crate) fn hidden(
    author: UserId,
    follow_only: bool,
    overlay: &Overlay,
    row: Option<&PostRow>,
) -> bool {
    row.is_some_and(|row| row.deleted)
        || overlay.blocks.get(&author) == Some(&true)
        || follow_only && overlay.follows.get(&author) == Some(&false)
}

/// The counts to show: those of Redis, else those as of the page; and whether the viewer likes it. A post that the viewer
/// likes has a like, whatever has not arrived yet.
pub(crate) fn shown_counts(
    post: PostId,
    base: (ItemCounts, bool),
    overlay: &Overlay,
    row: Option<&PostRow>,
) -> (ItemCounts, bool) {
    let (base, liked) = base;
    let kept = |field: fn(&PostRow) -> Option<u64>| row.and_then(field);
    let liked = overlay.likes.get(&post).copied().unwrap_or(liked);
    let likes = kept(|row| row.likes).unwrap_or(base.likes);
    let counts = ItemCounts {
        likes: likes.max(u64::from(liked)),
        comments: kept(|row| row.comments).unwrap_or(base.comments),
        shares: kept(|row| row.shares).unwrap_or(base.shares),
    };
    (counts, liked)
}

/// Whether Redis knows the likes and comments of a post, and whether it is deleted.
pub(crate) fn row_known(row: Option<&PostRow>) -> bool {
    row.is_some_and(|row| {
        row.likes.is_some() && row.comments.is_some() && row.post_version.is_some()
    })
}

/// Dresses a page. `counters` are those of its posts, in their order.
pub(crate) fn dress(page: &StoredPage, overlay: &Overlay, counters: &[Option<PostRow>]) -> Dressed {
    let mut items = Vec::with_capacity(page.items.len());
    for (place, item) in page.items.iter().enumerate() {
        let row = counters.get(place).and_then(Option::as_ref);
        let changed = row.and_then(|row| row.post_version);
        if hidden(item.author_id, item.follow_only, overlay, row)
            || changed.is_some() && changed != item.post_version
        {
            return Dressed::Outdated;
        }
        let base = (item.counts, item.liked);
        let (counts, liked) = shown_counts(item.post_id, base, overlay, row);
        items.push(item.answer(counts, liked));
    }
    Dressed::Whole(items)
}
