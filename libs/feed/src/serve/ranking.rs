//! A new ranking: made once for everybody who waits for it, in this process and in others.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};
use nova_cache::{Overlay, PageKey, RankLock};
use nova_domain::UserId;
use rand::Rng as _;
use tokio::time::{Instant, sleep, timeout};

use super::cut::Place;
use super::engine::Engine;
use super::freshness::Freshness;
use super::ranker::Ranker;
use super::run::Run;
use crate::answer::{FeedPage, ServedFrom, SnapshotId};
use crate::error::Unavailable;
use crate::metrics;
use crate::posts::Posts;
use crate::protect;
use crate::rank_types::{Ask, RankedFeed};
use crate::snapshot::{self, FeedSnapshot};
use crate::timings::Timings;
use crate::trace::RankingTrace;

/// How often a process looks whether another one has made the ranking, in milliseconds; a range, so that they do not
/// look in step.
const LOOK_EVERY_MS: std::ops::RangeInclusive<u64> = 15..=35;

/// What is wanted of a ranking.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// When the feed was last known to be out of date, in ms since 1970.
    pub(crate) newer_than_ms: Option<i64>,
    /// The newest ranking there is, which will not do; unless there is nothing better.
    pub(crate) last: Option<SnapshotId>,
    /// The page to cut from it.
    pub(crate) place: Place,
}

/// What a ranking is to be made for.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) viewer: UserId,
    /// The time to rank as of; none: now.
    pub(crate) as_of: Option<DateTime<Utc>>,
    pub(crate) overlay: Overlay,
    /// Redis did not answer just now: it is not asked again.
    pub(crate) redis_out: bool,
    /// The newest ranking there is, which will not do.
    pub(crate) not: Option<SnapshotId>,
    /// Whether offsets are counted in it from then on.
    pub(crate) walk: bool,
    /// A place among the rankings under way, if it has one already.
    pub(crate) place: Option<protect::Place>,
}

/// A ranking that was just made.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) snapshot: Arc<FeedSnapshot>,
    pub(crate) trace: RankingTrace,
    pub(crate) timings: Timings,
    /// Another process made it.
    by_other: bool,
    /// Offsets are counted in it.
    walked: bool,
}

/// Who makes the ranking.
enum Right {
    /// This process, which has the lock.
    Mine(RankLock),
    /// This process, without a lock: Redis says nothing, or another process takes too long.
    Unlocked,
    /// Another process did.
    Done(Arc<FeedSnapshot>),
}

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// A page of a new ranking, or what there is instead.
    pub(crate) async fn ranked(&mut self, wanted: Wanted) -> Result<FeedPage, Unavailable> {
        let ranked = self.rank(&wanted).await;
        // With the reserve still kept back PostgreSQL would have no time at all after a ranking that was late.
        self.budget = self.budget.for_answer();
        let why = match ranked {
            Ok(fresh) => {
                if !fresh.walked {
                    self.start_walk(fresh.snapshot.id).await;
                }
                let served = if fresh.by_other {
                    ServedFrom::Cache
                } else {
                    self.notes.trace = fresh.trace.clone();
                    self.notes.timings.ranked(&fresh.timings);
                    ServedFrom::Ranked
                };
                match self.page_of(&fresh.snapshot, wanted.place, served).await {
                    Ok(page) => return Ok(page),
                    Err(why) => why,
                }
            }
            Err(why) => why,
        };
        self.fallback(why, wanted).await
    }

    /// A new ranking: the one under way, or one of its own.
    async fn rank(&mut self, wanted: &Wanted) -> Result<Arc<Fresh>, Unavailable> {
        loop {
            let engine = self.engine;
            let flight = engine.flights.join(self.viewer, || {
                let order = Order {
                    viewer: self.viewer,
                    as_of: self.as_of,
                    overlay: self.overlay.clone(),
                    redis_out: self.notes.redis_is_out(),
                    not: wanted.last,
                    walk: true,
                    place: None,
                };
                fly(Arc::clone(engine), order)
            });
            let started = flight.started;
            let patience = self.budget.left_before_reserve();
            let fresh = match timeout(patience, flight.landed()).await {
                Ok(Ok(fresh)) => fresh?,
                Ok(Err(_)) => return Err(Unavailable::Lost),
                Err(_) => return Err(self.budget.late("the ranking")),
            };
            // One that began before the last change that the viewer must see is not the one to wait for.
            let generated = fresh.snapshot.generated_ms();
            if started || wanted.newer_than_ms.is_none_or(|stale| generated > stale) {
                return Ok(fresh);
            }
        }
    }

    /// Settles which process makes the ranking. Waits a bounded time for another one's.
    async fn right(&mut self, not: Option<SnapshotId>) -> Right {
        let Some(cache) = self.engine.cache.as_ref() else {
            return Right::Unlocked;
        };
        let key = PageKey {
            offset: 0,
            limit: self.limit,
        };
        let (viewer, patience) = (self.viewer, self.engine.config.rank_wait);
        let deadline = Instant::now() + patience.min(self.budget.left_before_reserve());
        loop {
            let both = async {
                tokio::try_join!(
                    cache.try_rank_lock(viewer),
                    cache.look(viewer, key, Some(&[]))
                )
            };
            let Some((lock, look)) = self.redis(Box::pin(both)).await else {
                return Right::Unlocked;
            };
            self.active = look.viewer.is_some();
            self.overlay = look.overlay;
            self.standing_ms = look.viewer.as_ref().and_then(Freshness::standing_ms);
            let now = self.as_of.unwrap_or_else(Utc::now);
            // Whoever had the lock may have finished between the caller's look and this one.
            if let Freshness::Fresh(id) =
                Freshness::of(look.viewer.as_ref(), now, &self.engine.config)
                && not != Some(id)
                && let Some(snapshot) = self.snapshot(id).await
            {
                if let Some(lock) = lock {
                    self.engine.release(lock);
                }
                return Right::Done(snapshot);
            }
            if let Some(lock) = lock {
                return Right::Mine(lock);
            }
            if Instant::now() >= deadline {
                return Right::Unlocked;
            }
            let pause = rand::rng().random_range(LOOK_EVERY_MS);
            sleep(Duration::from_millis(pause)).await;
        }
    }

    /// Ranks, and keeps the ranking.
    async fn rank_and_keep(&mut self, order: Order) -> Result<Fresh, Unavailable> {
        let engine = self.engine;
        // Whoever ranks behind an answer, or ahead of the next one, has its place already.
        let awaited = order.place.is_none();
        let place = match order.place {
            Some(place) => place,
            None => {
                let patience = self.budget.left_to_queue(engine.gate.expected());
                let entered = engine.gate.enter(patience).await;
                entered.map_err(|_| {
                    metrics::turned_away();
                    Unavailable::Busy
                })?
            }
        };
        let now = order.as_of.unwrap_or_else(whole_microseconds);
        let ask = Ask {
            viewer: self.viewer,
            now,
            overlay: &self.overlay,
            live: order.as_of.is_none(),
            awaited,
            standing_ms: self.standing_ms,
        };
        // Some 20 kB of state: on the heap, not in every caller's future.
        let ranked = Box::pin(engine.ranker.rank(ask, self.cache(), &self.budget)).await;
        let whole = |ranked: &RankedFeed| !ranked.degraded.iter().any(|d| d.is_of_clickhouse());
        place.ranked(ranked.as_ref().is_ok_and(whole));
        let ranked = ranked?;
        metrics::record_ranking(&ranked);
        let (trace, timings) = (ranked.trace.clone(), ranked.timings.clone());
        let blocks = ranked.blocks.clone();
        let formula = engine.config.formula;
        let snapshot = Arc::new(FeedSnapshot::of(self.viewer, now, formula, ranked));
        engine.memory.keep_snapshot(Arc::clone(&snapshot));
        let stored = self.keep_snapshot(&snapshot, snapshot.generated_ms(), order.walk);
        let stored = stored.await;
        if let (Some(blocks), Some(cache)) = (blocks, engine.cache.as_ref()) {
            self.redis(cache.store_blocks(self.viewer, &blocks)).await;
        }
        Ok(Fresh {
            snapshot,
            trace,
            timings,
            by_other: false,
            walked: stored && order.walk,
        })
    }

    /// Keeps a snapshot in Redis: whether it is there. `generated_ms` is what its freshness is counted from.
    pub(crate) async fn keep_snapshot(
        &mut self,
        snapshot: &FeedSnapshot,
        generated_ms: i64,
        walk: bool,
    ) -> bool {
        let Some(cache) = self.engine.cache.as_ref() else {
            return false;
        };
        let bytes = snapshot::encode(snapshot);
        metrics::snapshot_bytes(bytes.len());
        let id = snapshot.id.uuid();
        let store = cache.store_snapshot(self.viewer, id, generated_ms, &bytes, walk);
        self.redis(store).await.is_some()
    }
}

/// Makes a ranking, unless another process is about to. Runs as a task of its own, with a budget of its own, which ends
/// before that of its callers.
pub(crate) async fn fly<P: Posts + 'static, R: Ranker>(
    engine: Arc<Engine<P, R>>,
    order: Order,
) -> Result<Arc<Fresh>, Unavailable> {
    let mut run = Run::new(&engine, order.viewer, 1, order.as_of);
    run.budget = run.budget.for_ranking();
    run.overlay.clone_from(&order.overlay);
    if order.redis_out {
        run.notes.redis_went_out();
    }
    let lock = match run.right(order.not).await {
        Right::Mine(lock) => Some(lock),
        Right::Unlocked => None,
        Right::Done(snapshot) => {
            return Ok(Arc::new(Fresh {
                snapshot,
                trace: RankingTrace::default(),
                timings: Timings::default(),
                by_other: true,
                walked: false,
            }));
        }
    };
    let fresh = run.rank_and_keep(order).await;
    if let Some(lock) = lock {
        engine.release(lock);
    }
    fresh.map(Arc::new)
}

/// The time, as every database keeps it.
pub(crate) fn whole_microseconds() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
