//! A ranking that nobody waits for: behind an answer that was older than it should be, or ahead of the next request.

use std::sync::Arc;

use nova_cache::PageKey;
use tokio::sync::OwnedSemaphorePermit;

use super::engine::Engine;
use super::ranker::Ranker;
use super::ranking::{Order, fly};
use super::run::Run;
use crate::answer::SnapshotId;
use crate::error::Unavailable;
use crate::metrics;
use crate::posts::Posts;
use crate::protect::Place;

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// Ranks behind this answer, unless that is under way or as many rankings as may be are.
    pub(crate) fn refresh_behind(&self, not: SnapshotId) {
        self.refresh_with(not, None);
    }

    /// The same before the ranking is too old, with fewer places: there is time, and whoever waits goes first. A hit that
    /// finds none leaves it to the next one.
    pub(crate) fn refresh_ahead(&self, not: SnapshotId) {
        if let Ok(early) = Arc::clone(&self.engine.early).try_acquire_owned() {
            self.refresh_with(not, Some(early));
        }
    }

    fn refresh_with(&self, not: SnapshotId, early: Option<OwnedSemaphorePermit>) {
        let engine = self.engine;
        if engine.flights.under_way(&self.viewer) {
            return;
        }
        let Ok(place) = engine.gate.try_enter() else {
            metrics::refresh("skipped");
            return;
        };
        let order = self.order_behind(Some(not), place);
        let (engine, limit) = (Arc::clone(engine), self.limit);
        let tasks = engine.tasks.clone();
        tasks.spawn(async move {
            let _early = early;
            match refresh(&engine, order, limit).await {
                Ok(_) => metrics::refresh("ranked"),
                Err(error) => {
                    metrics::refresh("failed");
                    tracing::debug!(%error, "a feed could not be ranked behind an answer");
                }
            }
        });
    }

    /// A ranking that nobody walks yet.
    pub(crate) fn order_behind(&self, not: Option<SnapshotId>, place: Place) -> Order {
        Order {
            viewer: self.viewer,
            as_of: self.as_of,
            overlay: self.overlay.clone(),
            redis_out: self.notes.redis_is_out(),
            not,
            walk: false,
            place: Some(place),
        }
    }
}

/// Makes a ranking and its first page, and keeps both.
pub(crate) async fn refresh<P: Posts + 'static, R: Ranker>(
    engine: &Arc<Engine<P, R>>,
    order: Order,
    limit: u32,
) -> Result<SnapshotId, Unavailable> {
    let (viewer, as_of) = (order.viewer, order.as_of);
    let flight = engine
        .flights
        .join(viewer, || fly(Arc::clone(engine), order));
    let fresh = flight.landed().await.map_err(|_| Unavailable::Lost)??;
    let id = fresh.snapshot.id;
    let mut run = Run::new(engine, viewer, limit, as_of);
    let page = run.cut(&fresh.snapshot, 0, true).await?;
    // Where its next page begins is noted when somebody walks it.
    run.store_page(PageKey { offset: 0, limit }, &Arc::new(page), None)
        .await;
    Ok(id)
}
