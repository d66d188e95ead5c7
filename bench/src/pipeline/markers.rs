//! How long a single like takes while others are under way: markers, written on a schedule of their own and looked for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use nova_cache::Cache;
use tokio::time::{Instant, sleep, sleep_until};

use super::likes::Like;
use super::{ClickHouse, Writer};

/// A like on a post that gets no other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marker {
    pub(crate) like: Like,
    /// The likes that the post has with it.
    pub(crate) count: u64,
}

/// Where markers are to arrive.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    /// As facts.
    ClickHouse(ClickHouse),
    /// As the counters of their posts.
    Redis(Cache),
}

/// When markers are written, and where they are looked for.
#[derive(Debug)]
pub(crate) struct Markers {
    pub(crate) writer: Writer,
    pub(crate) sink: Sink,
    pub(crate) markers: Vec<Marker>,
    /// Between two of them.
    pub(crate) every: Duration,
    /// Between two looks: a lag is too long by half of it on average.
    pub(crate) look: Duration,
}

/// What became of them.
#[derive(Debug)]
pub(crate) struct Seen {
    /// From before the like was sent to PostgreSQL until it was seen, in microseconds.
    pub(crate) lag: Histogram<u64>,
    /// Markers that were not seen in time.
    pub(crate) lost: usize,
    /// Seconds since the first was due, and the lag in seconds, of each.
    pub(crate) course: Vec<(f64, f64)>,
}

/// The longest lag there can be, in microseconds.
const LONGEST: u64 = 600_000_000;

impl Markers {
    /// Writes markers for a time, then waits for the rest of them.
    pub(crate) async fn run(self, time: Duration, patience: Duration) -> anyhow::Result<Seen> {
        let begun = Instant::now();
        let waiting: Arc<Mutex<Vec<(Marker, Instant)>>> = Arc::default();
        let writing = write(&self, begun, time, &waiting);
        let looking = look(&self, begun, time + patience, time, &waiting);
        let (written, seen) = tokio::try_join!(writing, looking)?;
        tracing::debug!(written, "markers");
        Ok(seen)
    }
}

async fn write(
    markers: &Markers,
    begun: Instant,
    time: Duration,
    waiting: &Mutex<Vec<(Marker, Instant)>>,
) -> anyhow::Result<usize> {
    let mut due = begun;
    let mut written = 0;
    for marker in &markers.markers {
        if due >= begun + time {
            break;
        }
        sleep_until(due).await;
        // Before it is sent: it cannot be seen before it is looked for, and the commit counts.
        let sent = Instant::now();
        lock(waiting).push((*marker, sent));
        let new = markers.writer.write(&[marker.like]).await?;
        anyhow::ensure!(new == 1, "a marker was there already");
        written += 1;
        due = (due + markers.every).max(Instant::now());
    }
    Ok(written)
}

async fn look(
    markers: &Markers,
    begun: Instant,
    longest: Duration,
    time: Duration,
    waiting: &Mutex<Vec<(Marker, Instant)>>,
) -> anyhow::Result<Seen> {
    let mut seen = Seen {
        lag: Histogram::new_with_bounds(1, LONGEST, 3).context("making a histogram")?,
        lost: 0,
        course: Vec::new(),
    };
    loop {
        let looked_for = lock(waiting).clone();
        if looked_for.is_empty() {
            if begun.elapsed() >= time {
                return Ok(seen);
            }
        } else {
            let there = markers.sink.look(&looked_for).await?;
            let now = Instant::now();
            for ((marker, sent), there) in looked_for.iter().zip(there) {
                if !there {
                    continue;
                }
                lock(waiting).retain(|(other, _)| other.like != marker.like);
                let lag = now - *sent;
                let micros = u64::try_from(lag.as_micros()).unwrap_or(LONGEST);
                seen.lag.saturating_record(micros.clamp(1, LONGEST));
                let at = (*sent - begun).as_secs_f64();
                seen.course.push((at, lag.as_secs_f64()));
            }
        }
        if begun.elapsed() >= longest {
            seen.lost = lock(waiting).len();
            return Ok(seen);
        }
        sleep(markers.look).await;
    }
}

impl Sink {
    /// Which of them have arrived.
    async fn look(&self, waiting: &[(Marker, Instant)]) -> anyhow::Result<Vec<bool>> {
        match self {
            Self::ClickHouse(clickhouse) => {
                let keys: Vec<String> = waiting.iter().map(|(one, _)| key(one)).collect();
                let query = format!(
                    "SELECT DISTINCT post_id FROM likes_cdc WHERE (post_id, user_id) IN ({})",
                    keys.join(",")
                );
                let found = clickhouse.text(&query).await?;
                let found: std::collections::HashSet<&str> = found.lines().collect();
                let there = |(one, _): &(Marker, Instant)| {
                    found.contains(one.like.post.uuid().to_string().as_str())
                };
                Ok(waiting.iter().map(there).collect())
            }
            Self::Redis(cache) => {
                let posts: Vec<_> = waiting.iter().map(|(one, _)| one.like.post).collect();
                let rows = cache.counters(&posts).await?;
                let there = |((one, _), row): (&(Marker, Instant), Option<nova_cache::PostRow>)| {
                    row.and_then(|row| row.likes) >= Some(one.count)
                };
                Ok(waiting.iter().zip(rows).map(there).collect())
            }
        }
    }
}

fn key(marker: &Marker) -> String {
    let Like { post, user, .. } = marker.like;
    format!("(toUUID('{}'),toUUID('{}'))", post.uuid(), user.uuid())
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
