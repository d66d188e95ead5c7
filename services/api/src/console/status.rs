//! How this process is doing, from its own metrics and from Redis.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use nova_feed::metrics;
use serde::Serialize;

use super::Console;
use super::samples::Samples;

/// Redis is asked with a deadline of its own; this one is for a cache that waits for a connection.
const DEADLINE: Duration = Duration::from_millis(500);

/// Of the projector, which is part of this process in development (`nova all`) and has no code in common with the API.
const LAG_SUM: &str = "nova_projector_lag_seconds_sum";
const LAG_COUNT: &str = "nova_projector_lag_seconds_count";

/// Counters are absolute, since the process started.
#[derive(Debug, Default, Serialize)]
pub(super) struct Status {
    /// From the commit in PostgreSQL until the feed could serve it, of all changes so far.
    lag: Option<Lag>,
    /// Milliseconds since the newest change, or heartbeat, that came all the way through was committed.
    /// Nothing when Redis does not know or does not answer.
    newest_change_ms: Option<i64>,
    /// Whether feeds are marked as late.
    late: bool,
    /// Feeds by what the cache had: `hit`, `stale`, `miss`.
    cache: BTreeMap<String, f64>,
    /// Rankings that were made: for an answer, or behind one.
    rankings: f64,
    /// Feeds that had to do without something, by what.
    left_out: BTreeMap<String, f64>,
    /// The circuit breakers of servers: 0 closed, 1 half open, 2 open.
    breakers: BTreeMap<String, f64>,
}

#[derive(Debug, Serialize)]
struct Lag {
    seconds: f64,
    changes: f64,
}

/// `GET status`: always answers.
pub(super) async fn get(State(console): State<Console>) -> Json<Status> {
    let text = console
        .sources
        .metrics
        .as_ref()
        .map(|metrics| metrics.render());
    let samples = Samples::read(text.as_deref().unwrap_or_default());
    let ranked = |metric| samples.by(metric, "outcome").get("ranked").copied();
    let seconds = samples.sum(LAG_SUM);
    Json(Status {
        lag: seconds
            .zip(samples.sum(LAG_COUNT))
            .map(|(seconds, changes)| Lag { seconds, changes }),
        newest_change_ms: newest_change(&console).await,
        late: samples
            .sum(metrics::PIPELINE_LATE)
            .is_some_and(|late| late > 0.0),
        cache: owned(samples.by(metrics::CACHE_STATUS, "status")),
        rankings: ranked(metrics::FEEDS).unwrap_or_default()
            + ranked(metrics::REFRESHES).unwrap_or_default(),
        left_out: owned(samples.by(metrics::DEGRADED, "left_out")),
        breakers: owned(samples.by(metrics::BREAKER, "server")),
    })
}

async fn newest_change(console: &Console) -> Option<i64> {
    let cache = console.sources.cache.as_ref()?;
    let seen = tokio::time::timeout(DEADLINE, cache.pipeline_seen()).await;
    let seen = seen.ok()?.ok()??;
    Some((Utc::now().timestamp_millis() - seen).max(0))
}

fn owned(counts: BTreeMap<&str, f64>) -> BTreeMap<String, f64> {
    counts
        .into_iter()
        .map(|(word, count)| (word.to_owned(), count))
        .collect()
}
