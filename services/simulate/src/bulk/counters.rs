//! The counters of recent posts in Redis, as `nova projector` leaves them there.
//!
//! It follows the change stream, and a load beside the stream has no changes to follow: until its posts change, each ranking
//! and each page would count them in ClickHouse. So what the projector would have written is read from ClickHouse, in
//! slices, and written to Redis with the same versions: whoever knows something newer is not disturbed, and a second time
//! changes nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::ready;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use nova_cache::{Cache, CacheError};
use nova_domain::{EventCounts, PostCounts, PostId};
use nova_olap::load::{CountersSlice, PostCounters, count_facts, next_counters};
use nova_olap::{Olap, OlapError};
use tokio::time::sleep;
use tokio::try_join;

use super::progress::{Progress, Step};
use super::report::with_separators;

/// Posts of one write: three pipelines of as many commands.
const POSTS_OF_A_WRITE: usize = 1_000;

/// Writes under way at once: Redis always has the next one, and none waits for long.
const WRITES_AT_ONCE: usize = 4;

/// How long ClickHouse may take for a slice, beside PostgreSQL making its indexes.
const DEADLINE: Duration = Duration::from_secs(60);

/// How often something is tried.
const TRIES: u32 = 6;

/// Before the second try; each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Why Redis lacks counters. No reason to give a load up: they are a cache, and whoever misses one counts in ClickHouse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unseeded {
    /// There is no Redis to write to.
    #[error("no Redis is configured (NOVA_REDIS_URL)")]
    NoRedis,
    /// It evicts keys for those that come.
    #[error(
        "it has no room for more and forgot some (maxmemory), after {} posts",
        with_separators(*posts)
    )]
    Full {
        /// Posts whose counters were written until then.
        posts: u64,
    },
    /// It refused, or did not answer any more.
    #[error(transparent)]
    Redis(#[from] CacheError),
    /// The counters could not be read.
    #[error("they could not be read: {reason}")]
    ClickHouse {
        /// What ClickHouse said.
        reason: String,
    },
}

impl From<OlapError> for Unseeded {
    fn from(error: OlapError) -> Self {
        Self::ClickHouse {
            reason: error.to_string(),
        }
    }
}

/// Which counters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeding<'a> {
    pub(super) olap: &'a Olap,
    /// Those of posts created later.
    pub(super) since: DateTime<Utc>,
    /// Posts of one slice.
    pub(super) posts: u32,
}

impl Seeding<'_> {
    /// Puts them into the cache and tells how far it is. What is written stays, whatever becomes of the rest.
    ///
    /// # Errors
    /// [`Unseeded`]: not all are there.
    pub(super) async fn run(
        self,
        cache: Option<&Cache>,
        progress: &mut Progress,
    ) -> Result<(), Unseeded> {
        let seeded = match cache {
            None => Err(Unseeded::NoRedis),
            Some(cache) => self.seed(cache, progress).await,
        };
        if let Err(unseeded) = &seeded {
            progress.tell(&format!("counters: {unseeded}"));
        }
        seeded
    }

    async fn seed(&self, cache: &Cache, progress: &mut Progress) -> Result<(), Unseeded> {
        // Older posts among them, in a database that had some.
        let all = count_facts(self.olap, "posts_cdc").await?;
        let mut step = progress.begin("counters", all);
        let seeded = self.slices(cache, progress, &mut step).await;
        progress.end(&step);
        seeded
    }

    async fn slices(
        &self,
        cache: &Cache,
        progress: &Progress,
        step: &mut Step,
    ) -> Result<(), Unseeded> {
        let before = evicted(cache).await?;
        let mut written = 0;
        let mut next = self.read(CountersSlice::START).await?;
        while let Some(CountersSlice { posts, last }) = next {
            // The next slice is read while Redis takes this one.
            let ((), following) = try_join!(write(cache, &posts), self.read(last))?;
            let count = posts.len() as u64;
            written += count;
            progress.advance(step, count);
            if evicted(cache).await? > before {
                return Err(Unseeded::Full { posts: written });
            }
            next = following;
        }
        Ok(())
    }

    async fn read(&self, after: PostId) -> Result<Option<CountersSlice>, Unseeded> {
        let Self { olap, since, posts } = *self;
        Ok(insist(
            |_| true,
            || next_counters(olap, after, since, posts, DEADLINE),
        )
        .await?)
    }
}

/// Keys that Redis has evicted so far; none where it does not say.
async fn evicted(cache: &Cache) -> Result<Option<u64>, CacheError> {
    match insist(may_pass, || cache.evicted_keys()).await {
        Ok(evicted) => Ok(Some(evicted)),
        Err(error) if may_pass(&error) => Err(error),
        // Not everybody may ask.
        Err(_) => Ok(None),
    }
}

async fn write(cache: &Cache, posts: &[PostCounters]) -> Result<(), Unseeded> {
    let writes: Vec<_> = posts
        .chunks(POSTS_OF_A_WRITE)
        .map(|some| insist(may_pass, move || write_some(cache, some)))
        .collect();
    stream::iter(writes)
        .buffer_unordered(WRITES_AT_ONCE)
        .try_for_each(|()| ready(Ok(())))
        .await?;
    Ok(())
}

async fn write_some(cache: &Cache, posts: &[PostCounters]) -> Result<(), CacheError> {
    let counts: Vec<PostCounts> = posts.iter().map(|one| one.counts).collect();
    let events: Vec<EventCounts> = posts.iter().map(|one| one.events).collect();
    let states: Vec<(PostId, bool, u64)> = posts
        .iter()
        .map(|one| (one.state.post, one.state.deleted, one.state.lsn))
        .collect();
    try_join!(
        cache.apply_counts(&counts),
        cache.apply_event_counts(&events),
        cache.apply_deleted(&states),
    )?;
    Ok(())
}

/// Whether it may go better in a moment. A Redis that refuses, for want of memory or of permission, refuses again.
fn may_pass(error: &CacheError) -> bool {
    matches!(
        error,
        CacheError::Unavailable { .. } | CacheError::Timeout { .. }
    )
}

/// Tries up to [`TRIES`] times, with growing pauses, as long as the failure may pass.
async fn insist<T, E, F>(may_pass: impl Fn(&E) -> bool, attempt: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    for pause in pauses() {
        match attempt().await {
            Err(error) if may_pass(&error) => sleep(pause).await,
            done => return done,
        }
    }
    attempt().await
}

/// Between the tries, 3.1 s in all.
fn pauses() -> impl Iterator<Item = Duration> {
    (0..TRIES - 1).map(|pause| FIRST_PAUSE * 2_u32.pow(pause))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often it was tried, if each try fails like this.
    async fn tries(error: &CacheError) -> u32 {
        let tried = Cell::new(0);
        let failed = insist(may_pass, || {
            tried.set(tried.get() + 1);
            ready(Err::<(), _>(error.clone()))
        });
        assert_eq!(failed.await, Err(error.clone()));
        tried.get()
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_what_is_refused_is_not() {
        let reason = || "OOM command not allowed".to_owned();
        let passing = [
            CacheError::Unavailable { reason: reason() },
            CacheError::Timeout {
                after: Duration::from_secs(1),
            },
        ];
        for error in passing {
            assert_eq!(tries(&error).await, TRIES);
        }
        let refused = CacheError::Refused { reason: reason() };
        assert_eq!(tries(&refused).await, 1);
        assert_eq!(pauses().sum::<Duration>(), Duration::from_millis(3_100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_that_succeeds_is_the_last() {
        let tried = Cell::new(0);
        let done = insist(may_pass, || {
            tried.set(tried.get() + 1);
            let done = tried.get() == 3;
            ready(done.then_some(7).ok_or_else(|| CacheError::Unavailable {
                reason: "connecting".to_owned(),
            }))
        });
        assert_eq!((done.await, tried.get()), (Ok(7), 3));
    }

    #[test]
    fn each_reason_is_a_sentence_of_its_own() {
        let told = [
            Unseeded::NoRedis,
            Unseeded::Full { posts: 1_200_000 },
            Unseeded::Redis(CacheError::Refused {
                reason: "OOM command not allowed".to_owned(),
            }),
            Unseeded::from(OlapError::Deadline { after: DEADLINE }),
        ]
        .map(|reason| reason.to_string());
        assert_eq!(
            told,
            [
                "no Redis is configured (NOVA_REDIS_URL)",
                "it has no room for more and forgot some (maxmemory), after 1,200,000 posts",
                "Redis refused: OOM command not allowed",
                "they could not be read: ClickHouse did not answer within 60000 ms",
            ]
        );
    }
}
