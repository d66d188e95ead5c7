//! Impressions, views and shares: what ClickHouse recounted lately, to Redis.

use std::collections::HashMap;
use std::time::Duration;

use chrono::Utc;
use nova_cache::Cache;
use nova_domain::{EventCounts, PostId};
use nova_olap::{Olap, Recounted};
use nova_runtime::Shutdown;

use crate::backoff::Backoff;
use crate::metrics as names;
use crate::steps::StepError;

const DEADLINE: Duration = Duration::from_secs(10);

/// How far back a process looks when it starts. What was recounted before is counted by whoever reads a post that Redis
/// knows nothing of.
const START: Duration = Duration::from_secs(300);

/// A recount carries the time it began and shows when it has been written: so each look begins this long before the
/// newest that was seen.
const OVERLAP: Duration = Duration::from_secs(10);

/// Posts of one page, and of one question for their counts.
const PAGE: u32 = 500;

/// Looks again and again until the signal to stop.
pub(crate) async fn run(olap: Olap, cache: Cache, every: Duration, shutdown: Shutdown) {
    let mut looks = Looks::new(now_ms());
    let mut backoff = Backoff::new();
    loop {
        let pause = match looks.look(&olap, &cache).await {
            Ok(()) => {
                backoff = Backoff::new();
                every
            }
            Err(error) => {
                metrics::counter!(names::STEP_RETRIES, "step" => "events").increment(1);
                tracing::warn!(%error, "projecting client events: tried again");
                backoff.pause().max(every)
            }
        };
        tokio::select! {
            () = shutdown.requested() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn now_ms() -> u64 {
    u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Which recounts were seen.
#[derive(Debug)]
struct Looks {
    /// The time of the newest recount seen, milliseconds since 1970.
    newest: u64,
    /// What was written of recounts that will be seen again: posts recounted within the overlap.
    written: HashMap<PostId, u64>,
}

impl Looks {
    fn new(now: u64) -> Self {
        Self {
            newest: now.saturating_sub(millis(START)),
            written: HashMap::new(),
        }
    }

    async fn look(&mut self, olap: &Olap, cache: &Cache) -> Result<(), StepError> {
        let since = self.newest.saturating_sub(millis(OVERLAP));
        self.written.retain(|_, at| *at >= since);
        let mut after = Recounted::start();
        loop {
            let page = olap.recounted_posts(since, after, PAGE, DEADLINE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = *last;
            let fresh: Vec<PostId> = page
                .iter()
                .filter(|one| self.written.get(&one.post).is_none_or(|at| *at < one.at))
                .map(|one| one.post)
                .collect();
            for counts in write(olap, cache, &fresh).await? {
                self.written.insert(counts.post, counts.version);
            }
            // Pages come in the order of recounts: what is behind this one is written.
            self.newest = self.newest.max(after.at);
        }
    }
}

async fn write(
    olap: &Olap,
    cache: &Cache,
    posts: &[PostId],
) -> Result<Vec<EventCounts>, StepError> {
    let counts = olap.event_counts(posts, DEADLINE).await?;
    let written = cache.apply_event_counts(&counts).await?;
    metrics::counter!(names::EVENT_COUNTS).increment(written as u64);
    if written > 0
        && let Some(newest) = counts.iter().map(|one| one.version).max()
    {
        let lag = Duration::from_millis(now_ms().saturating_sub(newest));
        metrics::histogram!(names::EVENTS_LAG_SECONDS).record(lag.as_secs_f64());
    }
    Ok(counts)
}
