//! A page that is cut from a snapshot.

use std::sync::Arc;

use nova_cache::PageKey;

use super::ranker::Ranker;
use super::run::Run;
use crate::answer::{FeedItem, FeedPage, ServedFrom, Snapshot};
use crate::cursor::Cursor;
use crate::error::Unavailable;
use crate::explain::{ItemExplain, PageExplain};
use crate::hydrate::Hydrator;
use crate::page::{StoredPage, cut};
use crate::posts::Posts;
use crate::snapshot::FeedSnapshot;

/// Where in a snapshot a page begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Index of the first item.
    pub(crate) start: u32,
    /// The offset that asked for it; none for a cursor. Only pages by offset are kept.
    pub(crate) offset: Option<u32>,
}

impl Place {
    pub(crate) const FIRST: Self = Self {
        start: 0,
        offset: Some(0),
    };
}

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// Cuts a page, keeps it, and answers it.
    pub(crate) async fn page_of(
        &mut self,
        snapshot: &Arc<FeedSnapshot>,
        place: Place,
        served: ServedFrom,
    ) -> Result<FeedPage, Unavailable> {
        let just_ranked = served == ServedFrom::Ranked;
        let page = Arc::new(self.cut(snapshot, place.start, just_ranked).await?);
        self.engine.memory.keep_latest(self.viewer, snapshot.id);
        if let Some(offset) = place.offset {
            let key = PageKey {
                offset,
                limit: self.limit,
            };
            self.store_page(key, &page, Some(page.next(offset))).await;
        }
        let items = page.items.iter().map(|item| {
            // The cut has dressed them.
            item.answer(item.counts, item.liked)
        });
        let items = items.collect();
        let mut answer = self.answer(&page, items, served);
        if self.explain {
            self.explain(&mut answer, snapshot, &page);
        }
        Ok(answer)
    }

    /// The page that begins at `start`, as it is to be kept.
    pub(crate) async fn cut(
        &mut self,
        snapshot: &Arc<FeedSnapshot>,
        start: u32,
        just_ranked: bool,
    ) -> Result<StoredPage, Unavailable> {
        let limit = self.limit;
        let mut hydrator = Hydrator::new(self, snapshot, just_ranked);
        let cut = cut(snapshot, start, limit, &mut hydrator).await;
        if let (Some(unread), true) = (hydrator.unread(), cut.items.is_empty()) {
            // A page without PostgreSQL shows what there is; only with nothing at all there is no page.
            return Err(unread);
        }
        self.notes.hidden += cut.hidden;
        Ok(StoredPage::of(snapshot, cut))
    }

    /// Keeps a page by its offset, here and in Redis, and where the one after it begins (offset, index). Of a page that
    /// lacks something that can be had again in a moment only the latter.
    pub(crate) async fn store_page(
        &mut self,
        key: PageKey,
        page: &Arc<StoredPage>,
        next: Option<(u32, u32)>,
    ) {
        let Some(cache) = self.engine.cache.as_ref() else {
            return;
        };
        let id = page.snapshot.uuid();
        if self.notes.page_lacks_something() {
            if let Some((offset, raw)) = next {
                let remember = cache.remember_position(self.viewer, id, offset, raw);
                self.redis(remember).await;
            }
            return;
        }
        match page.to_json() {
            Ok(json) => {
                let store = cache.store_page(self.viewer, key, id, &json, next);
                if self.redis(store).await.is_some() {
                    let memory = &self.engine.memory;
                    memory.keep_page(self.viewer, key, Arc::clone(page));
                }
            }
            Err(error) => tracing::error!(%error, "a page cannot be written"),
        }
    }

    /// The answer that a page is.
    pub(crate) fn answer(
        &mut self,
        page: &StoredPage,
        items: Vec<FeedItem>,
        served: ServedFrom,
    ) -> FeedPage {
        let cursor = page.more.then_some(Cursor {
            viewer: self.viewer,
            snapshot: page.snapshot,
            position: page.end,
        });
        FeedPage {
            items,
            next_cursor: cursor.map(|cursor| cursor.encode(&self.engine.key)),
            snapshot: Snapshot {
                id: page.snapshot,
                generated_at: page.generated_at,
            },
            served_from: if page.fallback {
                ServedFrom::Fallback
            } else {
                served
            },
            degraded: self.notes.degraded(&page.degraded),
            restarted: None,
            explain: None,
            trace: Default::default(),
            timings: Default::default(),
        }
    }

    /// Adds why each item is where it is.
    pub(crate) fn explain(
        &self,
        answer: &mut FeedPage,
        snapshot: &FeedSnapshot,
        page: &StoredPage,
    ) {
        for (item, stored) in answer.items.iter_mut().zip(&page.items) {
            let ranked = snapshot.slice(stored.index, 1).first();
            item.explain = ranked.map(|ranked| ItemExplain::of(ranked, stored.index));
        }
        answer.explain = Some(PageExplain::of(
            snapshot,
            page.start,
            answer.served_from.cache_status(),
            self.age_ms(snapshot.generated_at),
        ));
    }
}
