//! A ranking that nobody waits for: behind an answer that was older than it should be, or ahead of the next request.

use std::sync::Arc;
use std::time::Duration;

use nova_cache::PageKey;
use rand::Rng as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::engine::Engine;
use super::ranker::Ranker;
use super::ranking::{Order, fly};
use super::run::Run;
use crate::answer::SnapshotId;
use crate::error::Unavailable;
use crate::metrics;
use crate::posts::Posts;
use crate::protect::Place;

/// How often one that waits looks for a place among the rankings, in milliseconds; a range, so that processes do not look in
/// step. A request that waits for a place gets one that is free before it is looked for here.
const LOOK_EVERY_MS: std::ops::RangeInclusive<u64> = 5..=15;

/// Rankings ahead of time begin together, so often: what they ask of ClickHouse is asked by one query for all of them.
const BUNCH: Duration = Duration::from_millis(500);

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// Ranks behind this answer, unless that is under way or as many rankings as may be are.
    pub(crate) fn refresh_behind(&self, not: SnapshotId) {
        let engine = self.engine;
        if engine.flights.under_way(&self.viewer) {
            return;
        }
        let Ok(place) = engine.gate.try_enter() else {
            metrics::refresh("skipped");
            return;
        };
        let (engine, order, limit) = (Arc::clone(engine), self.order_behind(Some(not)), self.limit);
        let rankings = engine.rankings.clone();
        rankings.spawn(async move { refresh_in(&engine, order, limit, place).await });
    }

    /// The same before the ranking is too old, with fewer places, together with others ([`BUNCH`]), and after whoever waits for an
    /// answer: there is time, at most `patience`. One viewer waits once, and a bounded number do: a hit that finds no room leaves it to the next one.
    pub(crate) fn refresh_ahead(&self, not: SnapshotId, patience: Duration) {
        let engine = self.engine;
        if engine.flights.under_way(&self.viewer) || engine.ahead.under_way(&self.viewer) {
            return;
        }
        let Ok(seat) = Arc::clone(&engine.ahead_seats).try_acquire_owned() else {
            metrics::refresh("skipped");
            return;
        };
        let deadline = Instant::now() + patience;
        let (order, limit) = (self.order_behind(Some(not)), self.limit);
        // Without patience it is now or never.
        let now = patience.is_zero().then(|| places(engine));
        engine.ahead.join(self.viewer, || {
            let engine = Arc::clone(engine);
            async move {
                let _seat = seat;
                let places = match now {
                    Some(places) => places,
                    None => {
                        sleep_until(next_bunch(engine.began).min(deadline)).await;
                        places_by(&engine, deadline).await
                    }
                };
                match places {
                    Some((_early, place)) => refresh_in(&engine, order, limit, place).await,
                    None => metrics::refresh("skipped"),
                }
            }
        });
    }

    /// A ranking that nobody walks yet.
    pub(crate) fn order_behind(&self, not: Option<SnapshotId>) -> Order {
        Order {
            viewer: self.viewer,
            as_of: self.as_of,
            overlay: self.overlay.clone(),
            redis_out: self.notes.redis_is_out(),
            not,
            walk: false,
            place: None,
        }
    }
}

/// When the next rankings ahead of time begin, in a process that began then.
fn next_bunch(began: Instant) -> Instant {
    let bunches = began.elapsed().as_millis() / BUNCH.as_millis() + 1;
    began + BUNCH * u32::try_from(bunches).unwrap_or(u32::MAX)
}

/// Places among the early rankings and among all, if there are any now.
fn places<P, R>(engine: &Engine<P, R>) -> Option<(OwnedSemaphorePermit, Place)> {
    let early = Arc::clone(&engine.early).try_acquire_owned().ok()?;
    Some((early, engine.gate.try_enter_ahead().ok()?))
}

/// Places among the early rankings and among all, once there is one that no request waits for; none when the deadline comes first,
/// or the process stops. Those first who began to wait first: their rankings end first.
async fn places_by<P, R>(
    engine: &Engine<P, R>,
    deadline: Instant,
) -> Option<(OwnedSemaphorePermit, Place)> {
    let early = Arc::clone(&engine.early).acquire_owned();
    let early = timeout_at(deadline, early).await.ok()?.ok()?;
    while !engine.tasks.is_closed() {
        if let Ok(place) = engine.gate.try_enter_ahead() {
            return Some((early, place));
        }
        if Instant::now() >= deadline {
            break;
        }
        let pause = rand::rng().random_range(LOOK_EVERY_MS);
        sleep(Duration::from_millis(pause)).await;
    }
    None
}

/// Ranks in this place, and says how that went.
async fn refresh_in<P: Posts + 'static, R: Ranker>(
    engine: &Arc<Engine<P, R>>,
    order: Order,
    limit: u32,
    place: Place,
) {
    match refresh(engine, order, limit, place).await {
        Ok(_) => metrics::refresh("ranked"),
        Err(error) => {
            metrics::refresh("failed");
            tracing::debug!(%error, "a feed could not be ranked behind an answer");
        }
    }
}

/// Makes a ranking in this place, and its first page, and keeps both.
pub(crate) async fn refresh<P: Posts + 'static, R: Ranker>(
    engine: &Arc<Engine<P, R>>,
    mut order: Order,
    limit: u32,
    place: Place,
) -> Result<SnapshotId, Unavailable> {
    order.place = Some(place);
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
