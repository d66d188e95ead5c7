//! One request: what it asks, the time it has, and what it had to do without.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use nova_cache::{Cache, CacheError, Look, Overlay, PageKey, PageLook};
use nova_domain::{PostId, UserId};
use nova_social::SocialError;
use tokio::time::{Instant, timeout};

use super::engine::Engine;
use super::ranker::Ranker;
use super::ranking::whole_microseconds;
use crate::answer::{FeedPage, SnapshotId};
use crate::budget::Budget;
use crate::error::Unavailable;
use crate::page::StoredPage;
use crate::posts::Posts;
use crate::protect::Guarded;
use crate::snapshot::{self, FeedSnapshot};
use crate::timings::Timings;
use crate::trace::{Degraded, RankingTrace};

/// A request under way.
pub(crate) struct Run<'a, P, R> {
    pub(crate) engine: &'a Arc<Engine<P, R>>,
    pub(crate) viewer: UserId,
    pub(crate) limit: u32,
    pub(crate) explain: bool,
    /// Whole microseconds.
    pub(crate) now: DateTime<Utc>,
    /// The time to rank as of, where the caller said one.
    pub(crate) as_of: Option<DateTime<Utc>>,
    pub(crate) budget: Budget,
    /// What the viewer did lately, as far as Redis has said.
    pub(crate) overlay: Overlay,
    /// Whether Redis knows the viewer: then what was undone lately is known too.
    pub(crate) active: bool,
    /// The time of the viewer's last ranking (ms since 1970), where Redis says that nothing but age makes it out of date.
    pub(crate) standing_ms: Option<i64>,
    pub(crate) notes: Notes,
}

/// What happened on the way.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    degraded: Vec<Degraded>,
    /// Redis failed: it is not asked again by this request.
    redis_out: bool,
    /// PostgreSQL did not answer this request or its ranking: neither is it.
    postgres_out: bool,
    pub(crate) trace: RankingTrace,
    pub(crate) timings: Timings,
    /// Items that were to be on the page and may not be shown any more.
    pub(crate) hidden: usize,
    round_trips: u32,
}

/// What one request cost and met, for metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hits {
    /// Round trips to Redis that the answer waited for.
    pub(crate) round_trips: u32,
    /// Items that might not be shown any more.
    pub(crate) hidden: usize,
}

impl Notes {
    /// Notes that something was left out.
    pub(crate) fn without(&mut self, what: Degraded) {
        if !self.degraded.contains(&what) {
            self.degraded.push(what);
        }
    }

    /// Whether a page lacks something that can be had again in a moment.
    pub(crate) fn page_lacks_something(&self) -> bool {
        self.degraded.iter().any(|d| *d != Degraded::Pipeline)
    }

    /// What was left out, in the order of [`Degraded::ALL`], together with what `also` was.
    pub(crate) fn degraded(&self, also: &[Degraded]) -> Vec<Degraded> {
        let all = Degraded::ALL.iter();
        all.filter(|d| self.degraded.contains(d) || also.contains(d))
            .copied()
            .collect()
    }

    pub(crate) fn hits(&self) -> Hits {
        Hits {
            round_trips: self.round_trips,
            hidden: self.hidden,
        }
    }

    /// Notes that Redis does not answer.
    pub(crate) fn redis_went_out(&mut self) {
        self.redis_out = true;
        self.without(Degraded::Cache);
    }

    pub(crate) fn redis_is_out(&self) -> bool {
        self.redis_out
    }

    /// Notes that PostgreSQL does not answer.
    pub(crate) fn postgres_went_out(&mut self) {
        self.postgres_out = true;
        self.without(Degraded::Posts);
    }
}

impl<'a, P: Posts + 'static, R: Ranker> Run<'a, P, R> {
    /// Starts the budget of a request.
    pub(crate) fn new(
        engine: &'a Arc<Engine<P, R>>,
        viewer: UserId,
        limit: u32,
        as_of: Option<DateTime<Utc>>,
    ) -> Self {
        let as_of = as_of.map(|at| at.trunc_subsecs(6));
        Self {
            engine,
            viewer,
            limit,
            explain: false,
            now: as_of.unwrap_or_else(whole_microseconds),
            as_of,
            budget: Budget::start(&engine.config),
            overlay: Overlay::default(),
            active: false,
            standing_ms: None,
            notes: Notes::default(),
        }
    }

    /// Asks Redis. None without Redis, and when it does not answer: it then is not asked again.
    pub(crate) async fn redis<T>(
        &mut self,
        work: impl Future<Output = Result<T, CacheError>>,
    ) -> Option<T> {
        if self.notes.redis_out {
            return None;
        }
        self.notes.round_trips += 1;
        let started = Instant::now();
        let work = async {
            // The cache has a deadline of its own; this is for the end of the budget.
            let left = self.budget.left();
            timeout(left, work)
                .await
                .unwrap_or(Err(CacheError::Timeout { after: left }))
        };
        let result = self.engine.guards.redis.call(work).await;
        self.notes.timings.cache += started.elapsed();
        match result {
            Ok(value) => Some(value),
            Err(Guarded::Failed(error @ CacheError::Corrupt { .. })) => {
                tracing::warn!(%error, "a value in Redis is taken for absent");
                None
            }
            Err(error) => {
                if let Guarded::Failed(error) = error {
                    tracing::debug!(%error, "the feed goes on without Redis");
                }
                self.notes.redis_went_out();
                None
            }
        }
    }

    /// Asks PostgreSQL, for at most the deadline of posts. Once it has not answered it is not asked again: a fallback
    /// has no time to wait for it a second time.
    pub(crate) async fn postgres<T>(
        &mut self,
        during: &'static str,
        work: impl Future<Output = Result<T, SocialError>>,
    ) -> Result<T, Unavailable> {
        let breaker = &self.engine.guards.postgres;
        if self.notes.postgres_out {
            return Err(Unavailable::Resting {
                server: breaker.server(),
            });
        }
        let at_most = self.engine.config.posts_deadline;
        let result = self
            .budget
            .require(breaker, at_most, during, work, Unavailable::posts);
        let result = result.await;
        if result.is_err() {
            self.notes.postgres_went_out();
        }
        result
    }

    /// Redis, if there is one and it has not failed this request.
    pub(crate) fn cache(&self) -> Option<&'a Cache> {
        let cache = self.engine.cache.as_ref();
        cache.filter(|_| !self.notes.redis_out)
    }

    /// Looks for a page that this process may remember. When Redis has another one by now, it is fetched too.
    pub(crate) async fn look_for(
        &mut self,
        page: PageKey,
        remembered: Option<&Arc<StoredPage>>,
    ) -> Option<Look> {
        let known = remembered.map(|page| page.posts());
        let look = self.look(page, known.as_deref()).await?;
        match (&look.page, remembered) {
            (PageLook::Id(id), Some(known)) if known.snapshot.uuid() != *id => {
                self.look(page, None).await
            }
            _ => Some(look),
        }
    }

    /// Looks for a page; learns what the viewer did lately.
    pub(crate) async fn look(&mut self, page: PageKey, known: Option<&[PostId]>) -> Option<Look> {
        let cache = self.engine.cache.as_ref()?;
        let mut look = self.redis(cache.look(self.viewer, page, known)).await?;
        self.active = look.viewer.is_some();
        self.overlay = std::mem::take(&mut look.overlay);
        Some(look)
    }

    /// A ranking that is kept. From memory only for a viewer that Redis knows, or while Redis says nothing (then
    /// PostgreSQL is asked what may be shown).
    pub(crate) async fn snapshot(&mut self, id: SnapshotId) -> Option<Arc<FeedSnapshot>> {
        let engine = self.engine;
        let silent = engine.cache.is_none() || self.notes.redis_out;
        if self.active || silent {
            let known = engine.memory.snapshot(self.viewer, id, self.now);
            if known.is_some() || silent {
                return known;
            }
        }
        let cache = engine.cache.as_ref()?;
        let bytes = self.redis(cache.snapshot(self.viewer, id.uuid())).await;
        let Some(bytes) = bytes else {
            // Redis fell silent just now: what is in memory may do.
            let silent = self.notes.redis_out;
            return silent
                .then(|| engine.memory.snapshot(self.viewer, id, self.now))
                .flatten();
        };
        match snapshot::decode(&bytes?) {
            Ok(snapshot) if snapshot.id == id && snapshot.viewer == self.viewer => {
                let snapshot = Arc::new(snapshot);
                engine.memory.keep_snapshot(Arc::clone(&snapshot));
                Some(snapshot)
            }
            Ok(_) => {
                tracing::warn!("a snapshot under the name of another is taken for absent");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "a snapshot is taken for absent");
                None
            }
        }
    }

    /// Age of a ranking in milliseconds; never negative.
    pub(crate) fn age_ms(&self, generated_at: DateTime<Utc>) -> u64 {
        let age = (self.now - generated_at).num_milliseconds();
        age.max(0).unsigned_abs()
    }

    /// The newest ranking that is kept, whatever it is worth.
    pub(crate) async fn newest(&mut self) -> Option<SnapshotId> {
        let key = PageKey {
            offset: 0,
            limit: self.limit,
        };
        let look = self.look(key, Some(&[])).await?;
        look.viewer?.fresh.map(SnapshotId::new)
    }

    /// The answer with what happened on the way to it.
    pub(crate) fn finish(&mut self, page: FeedPage) -> FeedPage {
        let mut timings = std::mem::take(&mut self.notes.timings);
        timings.total = self.budget.spent();
        let mut trace = std::mem::take(&mut self.notes.trace);
        trace.vanished = self.notes.hidden;
        FeedPage {
            timings,
            trace,
            ..page
        }
    }
}
