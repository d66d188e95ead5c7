//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use nova_cache::{Cache, CacheError, RankLock};
use nova_domain::{PostBody, PostId, UserId};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::complaints::Complaints;
use super::pipeline::PipelineWatch;
use super::ranker::Ranker;
use super::ranking::Fresh;
use crate::config::FeedConfig;
use crate::cursor::CursorKey;
use crate::error::Unavailable;
use crate::fallback::Hot;
use crate::memory::Memory;
use crate::protect::{Gate, Guards};
use crate::remembered::Remembered;
use crate::single_flight::SingleFlight;
use crate::tasks::Tasks;

/// Writes to Redis under way behind answers that were given, at most. What does not fit is not written: the next
/// request makes it again.
const BACKGROUND_WRITES: usize = 256;

/// Viewers whose next rankings wait for a place, at most.
const MOST_AHEAD: usize = 64;

/// The state of a feed service in one process; all of it can be made again from the servers.
pub(crate) struct Engine<P, R> {
    /// When the process began to serve.
    pub(crate) began: Instant,
    pub(crate) posts: Arc<P>,
    pub(crate) ranker: R,
    pub(crate) cache: Option<Cache>,
    pub(crate) config: FeedConfig,
    pub(crate) guards: Guards,
    pub(crate) key: CursorKey,
    pub(crate) memory: Memory,
    pub(crate) gate: Gate,
    pub(crate) flights: SingleFlight<UserId, Result<Arc<Fresh>, Unavailable>>,
    /// Everything that outlives the request it belongs to.
    pub(crate) tasks: TaskTracker,
    /// Those of them that rank.
    pub(crate) rankings: Tasks,
    pub(crate) pipeline: PipelineWatch,
    pub(crate) complaints: Complaints,
    /// What stands in for rankings.
    pub(crate) hot: Remembered<Arc<Hot>>,
    /// Viewers whose next ranking is made, or waits to be, ahead of the end of the last one.
    pub(crate) ahead: SingleFlight<UserId, ()>,
    /// Room for those.
    pub(crate) ahead_seats: Arc<Semaphore>,
    /// Rankings under way ahead.
    pub(crate) early: Arc<Semaphore>,
    writes: Arc<Semaphore>,
}

impl<P, R: Ranker> Engine<P, R> {
    /// `rankings_on`: the runtime that rankings are made on; none: that of whoever asks.
    pub(crate) fn new(
        posts: Arc<P>,
        ranker: R,
        cache: Option<Cache>,
        config: FeedConfig,
        guards: Guards,
        key: CursorKey,
        rankings_on: Option<Handle>,
    ) -> Self {
        let tasks = TaskTracker::new();
        let rankings = Tasks::new(tasks.clone(), rankings_on);
        let index = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            began: Instant::now(),
            posts,
            ranker,
            cache,
            guards,
            key,
            memory: Memory::new(config.memory_bytes()),
            gate: Gate::new(
                index(config.max_rankings),
                index(config.ranking_queue),
                config.source_deadline,
            ),
            flights: SingleFlight::new(rankings.clone()),
            pipeline: PipelineWatch::default(),
            complaints: Complaints::default(),
            hot: Remembered::default(),
            ahead: SingleFlight::new(rankings.clone()),
            ahead_seats: Arc::new(Semaphore::new(MOST_AHEAD)),
            early: Arc::new(Semaphore::new(index(config.max_rankings.div_ceil(2)))),
            writes: Arc::new(Semaphore::new(BACKGROUND_WRITES)),
            tasks,
            rankings,
            config,
        }
    }

    /// Waits until nothing runs behind answers any more, at most `within`.
    pub(crate) async fn drain(&self, within: Duration) -> bool {
        self.tasks.close();
        let drained = tokio::time::timeout(within, self.tasks.wait()).await;
        self.tasks.reopen();
        drained.is_ok()
    }
}

impl<P: Send + Sync + 'static, R: Ranker> Engine<P, R> {
    /// Keeps what posts show, behind the answer: each with the newest change that was known before it was read.
    pub(crate) fn keep_bodies(self: &Arc<Self>, bodies: Vec<(PostId, PostBody, u64)>) {
        self.write_behind(|cache| async move {
            let bodies: Vec<_> = bodies
                .iter()
                .map(|(post, body, v)| (*post, body, *v))
                .collect();
            cache.store_bodies(&bodies).await
        });
    }

    /// Gives the right to rank for a viewer back.
    pub(crate) fn release(self: &Arc<Self>, lock: RankLock) {
        self.write_behind(|cache| async move { cache.release_rank_lock(lock).await });
    }

    /// A write that nobody waits for. One that fails is made again by a later request.
    fn write_behind<F>(self: &Arc<Self>, write: impl FnOnce(Cache) -> F)
    where
        F: Future<Output = Result<(), CacheError>> + Send + 'static,
    {
        let Some(cache) = self.cache.clone() else {
            return;
        };
        let Ok(place) = Arc::clone(&self.writes).try_acquire_owned() else {
            return;
        };
        let (guard, write) = (self.guards.redis.clone(), write(cache));
        self.tasks.spawn(async move {
            let _place = place;
            // The cache counts its errors; the breaker tells of an outage.
            let _ = guard.call(write).await;
        });
    }
}
