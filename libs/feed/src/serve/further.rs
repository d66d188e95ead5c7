//! A page further down: of the ranking that the viewer walks, as long as it is kept.

use std::sync::Arc;

use nova_cache::{PageKey, ViewerRow};

use super::cut::Place;
use super::freshness::Freshness;
use super::hit::Kept;
use super::ranker::Ranker;
use super::ranking::Wanted;
use super::run::Run;
use crate::answer::{FeedPage, Restart, ServedFrom, SnapshotId};
use crate::cursor::Cursor;
use crate::error::Unavailable;
use crate::posts::Posts;

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// The page where a cursor points. When its ranking is gone, the first page of a new one.
    pub(crate) async fn at_cursor(&mut self, cursor: Cursor) -> Result<FeedPage, Unavailable> {
        let key = PageKey {
            offset: 0,
            limit: self.limit,
        };
        // Tells whether Redis still knows what the viewer undid; its page is not wanted.
        self.look(key, Some(&[])).await;
        if let Some(snapshot) = self.snapshot(cursor.snapshot).await {
            let place = Place {
                start: cursor.position,
                offset: None,
            };
            return self.page_of(&snapshot, place, ServedFrom::Cache).await;
        }
        let mut page = self.first().await?;
        page.restarted = Some(Restart::CursorExpired);
        Ok(page)
    }

    /// The page after `offset` items. When no ranking is walked, of a new one.
    pub(crate) async fn at_offset(&mut self, offset: u32) -> Result<FeedPage, Unavailable> {
        let key = PageKey {
            offset,
            limit: self.limit,
        };
        let remembered = self.engine.memory.page(self.viewer, key);
        let mut look = self.look_for(key, remembered.as_ref()).await;
        let row = look.as_ref().and_then(|look| look.viewer);

        if let (Some(row), Some(look)) = (&row, &mut look)
            && let Some(walk) = row.walk.map(SnapshotId::new)
        {
            let start = self.start(row, walk, offset).await;
            if let Some(kept) = Kept::of(look, remembered, walk, start) {
                let stored = Arc::clone(&kept.page);
                if let Some(page) = self.hit(key, kept, ServedFrom::Cache).await {
                    self.walk(row, key, &stored).await;
                    return Ok(page);
                }
            }
            if let Some(page) = self.of_kept(walk, start, offset).await {
                return Ok(page);
            }
        }

        let freshness = Freshness::of(row.as_ref(), self.now, &self.engine.config);
        let last = match row {
            Some(_) => freshness.last(),
            // Redis says nothing: the ranking that this process showed last is the best guess.
            None => self.last_shown(),
        };
        let usable = match freshness {
            Freshness::Fresh(id) | Freshness::Aging(id) => Some(id),
            Freshness::Old(_) => last.filter(|_| row.is_none()),
        };
        if let Some(id) = usable {
            self.start_walk(id).await;
            if let Some(page) = self.of_kept(id, offset, offset).await {
                return Ok(page);
            }
        }
        let wanted = Wanted {
            newer_than_ms: row.and_then(|row| row.stale_ms),
            last,
            place: Place {
                start: offset,
                offset: Some(offset),
            },
        };
        self.ranked(wanted).await
    }

    /// A page of a ranking that is kept, if it is.
    async fn of_kept(&mut self, id: SnapshotId, start: u32, offset: u32) -> Option<FeedPage> {
        let snapshot = self.snapshot(id).await?;
        let place = Place {
            start,
            offset: Some(offset),
        };
        let page = self.page_of(&snapshot, place, ServedFrom::Cache).await;
        page.ok()
    }

    /// Where the page at an offset begins: where the one before it ended; for an offset that was never reached, as far
    /// past the nearest page as it is in items.
    async fn start(&mut self, row: &ViewerRow, walk: SnapshotId, offset: u32) -> u32 {
        if let Some(start) = row.start {
            return start;
        }
        let Some(cache) = self.engine.cache.as_ref() else {
            return offset;
        };
        let positions = cache.positions(self.viewer, walk.uuid());
        let positions = self.redis(positions).await.unwrap_or_default();
        let nearest = positions.range(..=offset).next_back();
        nearest.map_or(offset, |(shown, raw)| raw.saturating_add(offset - shown))
    }

    /// The ranking that this process last showed the viewer; only while Redis fails.
    pub(crate) fn last_shown(&self) -> Option<SnapshotId> {
        let silent = self.notes.redis_is_out();
        silent
            .then(|| self.engine.memory.latest(self.viewer))
            .flatten()
    }
}
