//! The first page: of a ranking that still counts, else of a new one.

use std::sync::Arc;
use std::time::Duration;

use nova_cache::{PageKey, ViewerRow};

use super::cut::Place;
use super::freshness::Freshness;
use super::hit::Kept;
use super::ranker::Ranker;
use super::ranking::Wanted;
use super::run::Run;
use crate::answer::{FeedPage, ServedFrom, SnapshotId};
use crate::error::Unavailable;
use crate::page::StoredPage;
use crate::posts::Posts;
use crate::trace::Degraded;

/// A ranking that lacks something counts only this long before another is tried.
const DEGRADED_FRESH_MS: u64 = 5_000;

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    pub(crate) async fn first(&mut self) -> Result<FeedPage, Unavailable> {
        let key = PageKey {
            offset: 0,
            limit: self.limit,
        };
        let remembered = self.engine.memory.page(self.viewer, key);
        let mut look = self.look_for(key, remembered.as_ref()).await;
        let row = look.as_ref().and_then(|look| look.viewer);
        let freshness = Freshness::of(row.as_ref(), self.now, &self.engine.config);
        let kept = match (freshness, &row, &mut look) {
            (Freshness::Fresh(id), Some(row), Some(look)) => {
                let kept = Kept::of(look, remembered, id, 0);
                self.kept_first(key, id, row, kept, ServedFrom::Cache).await
            }
            (Freshness::Aging(id), Some(row), Some(look)) => {
                let kept = Kept::of(look, remembered, id, 0);
                self.kept_first(key, id, row, kept, ServedFrom::Stale).await
            }
            _ => None,
        };
        if let Some(page) = kept {
            return Ok(page);
        }
        let wanted = Wanted {
            newer_than_ms: row.and_then(|row| row.stale_ms),
            last: freshness.last(),
            place: Place::FIRST,
        };
        self.ranked(wanted).await
    }

    /// The first page of a ranking that is kept, as a page or whole.
    async fn kept_first(
        &mut self,
        key: PageKey,
        id: SnapshotId,
        row: &ViewerRow,
        kept: Option<Kept>,
        served: ServedFrom,
    ) -> Option<FeedPage> {
        let mut page = match kept {
            Some(kept) => {
                let stored = Arc::clone(&kept.page);
                let page = self.hit(key, kept, served).await;
                if page.is_some() {
                    self.walk(row, key, &stored).await;
                }
                page
            }
            None => None,
        };
        if page.is_none() {
            let snapshot = self.snapshot(id).await?;
            if row.walk != Some(id.uuid()) {
                self.start_walk(id).await;
            }
            page = self.page_of(&snapshot, Place::FIRST, served).await.ok();
        }
        let mut page = page?;
        let lacks = page.degraded.iter().any(|d| *d != Degraded::Pipeline);
        if lacks
            && page.served_from == ServedFrom::Cache
            && self.age_ms(page.snapshot.generated_at) >= DEGRADED_FRESH_MS
        {
            page.served_from = ServedFrom::Stale;
        }
        if lacks {
            // It may lack something because there is too much to do: that does not get better by doing more.
            if page.served_from == ServedFrom::Stale {
                self.refresh_ahead(id, Duration::ZERO);
            }
        } else if page.served_from == ServedFrom::Stale {
            self.refresh_behind(id);
        } else {
            let (age_ms, config) = (self.age_ms(page.snapshot.generated_at), &self.engine.config);
            if Freshness::ends_soon(age_ms, config) {
                let left = config.fresh.saturating_sub(Duration::from_millis(age_ms));
                self.refresh_ahead(id, left);
            }
        }
        Some(page)
    }

    /// From here on offsets are counted in this ranking.
    pub(crate) async fn start_walk(&mut self, id: SnapshotId) {
        if let Some(cache) = self.engine.cache.as_ref() {
            self.redis(cache.start_walk(self.viewer, id.uuid())).await;
        }
    }

    /// Notes that offsets are counted in the ranking of a kept page, and where the page after it begins, if that is not
    /// known.
    pub(crate) async fn walk(&mut self, row: &ViewerRow, key: PageKey, page: &StoredPage) {
        let walked = row.walk == Some(page.snapshot.uuid());
        if !walked {
            self.start_walk(page.snapshot).await;
        }
        // Where the last page ends was noted when it was cut.
        let known = walked && (row.next == Some(page.end) || !page.more);
        if known {
            return;
        }
        if let Some(cache) = self.engine.cache.as_ref() {
            let ((offset, raw), id) = (page.next(key.offset), page.snapshot.uuid());
            let remember = cache.remember_position(self.viewer, id, offset, raw);
            self.redis(remember).await;
        }
    }
}
