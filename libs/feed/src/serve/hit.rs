//! A page that was kept: dressed with the counts and the actions of the moment.

use std::sync::Arc;

use nova_cache::{Look, PageKey, PageLook, PostRow};
use nova_domain::PostId;

use super::ranker::Ranker;
use super::run::Run;
use crate::answer::{FeedPage, ServedFrom, SnapshotId};
use crate::page::{Dressed, StoredPage, dress, row_known};
use crate::posts::Posts;

/// A page that was kept, and the counters of its posts if they came with it.
pub(crate) struct Kept {
    pub(crate) page: Arc<StoredPage>,
    counters: Option<Vec<Option<PostRow>>>,
}

impl Kept {
    /// The page that a look found, if it was cut from `snapshot` and begins at `start`. `remembered` is what this
    /// process knew before it looked.
    pub(crate) fn of(
        look: &mut Look,
        remembered: Option<Arc<StoredPage>>,
        snapshot: SnapshotId,
        start: u32,
    ) -> Option<Self> {
        let (page, counters) = match &look.page {
            PageLook::Absent => return None,
            PageLook::Id(id) => {
                let page = remembered.filter(|page| page.snapshot.uuid() == *id)?;
                (page, Some(std::mem::take(&mut look.counters)))
            }
            PageLook::Full { snapshot: id, body } => {
                match StoredPage::from_json(SnapshotId::new(*id), body) {
                    Ok(page) => (Arc::new(page?), None),
                    Err(error) => {
                        tracing::warn!(%error, "a page in Redis is taken for absent");
                        return None;
                    }
                }
            }
        };
        (page.snapshot == snapshot && page.start == start).then_some(Self { page, counters })
    }
}

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// Answers a page that was kept: without a further round trip if its counters came with it, else with one. None
    /// when something on it was changed or may not be shown any more, or Redis does not say.
    pub(crate) async fn hit(
        &mut self,
        key: PageKey,
        kept: Kept,
        served: ServedFrom,
    ) -> Option<FeedPage> {
        let Kept { page, counters } = kept;
        let posts = page.posts();
        let mut counters = match counters {
            Some(counters) => counters,
            None => {
                let cache = self.engine.cache.as_ref()?;
                let counters = self.redis(cache.served_counters(&posts)).await?;
                let memory = &self.engine.memory;
                memory.keep_page(self.viewer, key, Arc::clone(&page));
                counters
            }
        };
        let unknown: Vec<PostId> = posts
            .iter()
            .zip(&counters)
            .filter(|(_, row)| !row_known(row.as_ref()))
            .map(|(post, _)| *post)
            .collect();
        let counted = self.counters(unknown).await;
        for (post, row) in posts.iter().zip(&mut counters) {
            if let Some(counted) = counted.get(post) {
                *row = Some(*counted);
            }
        }
        let Dressed::Whole(items) = dress(&page, &self.overlay, &counters) else {
            return None;
        };
        self.engine.memory.keep_latest(self.viewer, page.snapshot);
        let mut answer = self.answer(&page, items, served);
        if self.explain
            && let Some(snapshot) = self.snapshot(page.snapshot).await
        {
            self.explain(&mut answer, &snapshot, &page);
        }
        Some(answer)
    }
}
