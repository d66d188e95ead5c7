//! What this process remembers, so that Redis need not send it again: pages, rankings, and each viewer's latest ranking.
//! None of it is served unasked: a page counts while Redis names the same snapshot, and a ranking never changes.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use moka::policy::EvictionPolicy;
use moka::sync::Cache as Bounded;
use nova_cache::{PageKey, ttl};
use nova_domain::UserId;

use crate::answer::SnapshotId;
use crate::page::StoredPage;
use crate::snapshot::FeedSnapshot;

/// Viewers whose latest ranking is known by name: 60 bytes each.
const VIEWERS: u64 = 100_000;

/// Bounded by weight; what was not used for longest goes first. (By how often it was used would be wrong: viewers who left were
/// there often, and those who came just now have not been yet.) Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pages: Bounded<(UserId, PageKey), Arc<StoredPage>>,
    snapshots: Bounded<(UserId, SnapshotId), Arc<FeedSnapshot>>,
    latest: Bounded<UserId, SnapshotId>,
}

impl Memory {
    /// Room for so many bytes, half of them for pages.
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            pages: Bounded::builder()
                .max_capacity(bytes / 2)
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|_, page: &Arc<StoredPage>| weight(page.weight()))
                .time_to_live(ttl::PAGE)
                .build(),
            snapshots: Bounded::builder()
                .max_capacity(bytes / 2)
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|_, snapshot: &Arc<FeedSnapshot>| weight(snapshot.weight()))
                .time_to_live(ttl::SNAPSHOT)
                .build(),
            latest: Bounded::builder()
                .max_capacity(VIEWERS)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(ttl::SNAPSHOT)
                .build(),
        }
    }

    pub(crate) fn page(&self, viewer: UserId, key: PageKey) -> Option<Arc<StoredPage>> {
        self.pages.get(&(viewer, key))
    }

    pub(crate) fn keep_page(&self, viewer: UserId, key: PageKey, page: Arc<StoredPage>) {
        self.pages.insert((viewer, key), page);
    }

    /// A ranking that Redis may still have too: what the viewer undid since is kept no longer than that.
    pub(crate) fn snapshot(
        &self,
        viewer: UserId,
        id: SnapshotId,
        now: DateTime<Utc>,
    ) -> Option<Arc<FeedSnapshot>> {
        let snapshot = self.snapshots.get(&(viewer, id))?;
        let young = snapshot
            .age(now)
            .to_std()
            .is_ok_and(|age| age < ttl::SNAPSHOT);
        young.then_some(snapshot)
    }

    pub(crate) fn keep_snapshot(&self, snapshot: Arc<FeedSnapshot>) {
        self.snapshots
            .insert((snapshot.viewer, snapshot.id), snapshot);
    }

    /// The ranking that the viewer was last shown by this process.
    pub(crate) fn latest(&self, viewer: UserId) -> Option<SnapshotId> {
        self.latest.get(&viewer)
    }

    pub(crate) fn keep_latest(&self, viewer: UserId, id: SnapshotId) {
        // Nearly always it is the one that is known: a look is cheaper than an insertion, and the ranking's own end comes
        // no later for it.
        if self.latest.get(&viewer) != Some(id) {
            self.latest.insert(viewer, id);
        }
    }
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
