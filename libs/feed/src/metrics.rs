//! Names of the metrics, and where they are recorded.

use std::time::Duration;

use ::metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::answer::{FeedPage, Restart};
use crate::error::FeedError;
use crate::rank_types::RankedFeed;
use crate::serve::Hits;

/// Seconds a whole feed took, failed ones included, by `served_from` (`cache`, `stale`, `ranked`, `fallback`, `none`).
pub const FEED_SECONDS: &str = "nova_feed_request_seconds";
/// Feeds by `outcome`: `cache`, `stale`, `ranked`, `fallback`, `unavailable` or `refused`.
pub const FEEDS: &str = "nova_feed_requests_total";
/// Feeds by what the cache had, `status`: `hit`, `miss` or `stale`. Their ratio is the hit rate.
pub const CACHE_STATUS: &str = "nova_feed_cache_total";
/// Round trips to Redis of one feed, by `served_from`.
pub const ROUND_TRIPS: &str = "nova_feed_cache_round_trips";
/// Seconds a `stage` took: a source, `interactions`, `counts`, `visible`, `hydrate` or `cache`.
pub const STAGE_SECONDS: &str = "nova_feed_stage_seconds";
/// Answers of a `source` by `outcome`: `ok`, `late` or `failed`.
pub const SOURCE_ANSWERS: &str = "nova_feed_source_answers_total";
/// Candidates that a `source` proposed for one ranking.
pub const SOURCE_CANDIDATES: &str = "nova_feed_source_candidates";
/// Candidates that a `filter` removed.
pub const REMOVED: &str = "nova_feed_removed_total";
/// Posts of one ranking.
pub const RANKED_POSTS: &str = "nova_feed_ranked_posts";
/// Feeds by what was `left_out`.
pub const DEGRADED: &str = "nova_feed_degraded_total";
/// Posts that were to be on a page and might not be shown any more.
pub const VANISHED: &str = "nova_feed_vanished_total";
/// Rankings under way.
pub const RANKINGS: &str = "nova_feed_rankings_in_flight";
/// Rankings that may be under way at once: more while they are in time, fewer when they are late.
pub const RANKINGS_BOUND: &str = "nova_feed_rankings_bound";
/// Requests that found as many rankings under way and waiting as may be.
pub const TURNED_AWAY: &str = "nova_feed_rankings_turned_away_total";
/// Rankings behind an answer by `outcome`: `ranked`, `failed` or `skipped` (too many under way).
pub const REFRESHES: &str = "nova_feed_refreshes_total";
/// Bytes of a ranking as it is kept.
pub const SNAPSHOT_BYTES: &str = "nova_feed_snapshot_bytes";
/// State of the circuit breaker of a `server`: 0 closed, 1 half open, 2 open.
pub const BREAKER: &str = "nova_feed_breaker_state";
/// How often the circuit breaker of a `server` opened.
pub const BREAKER_OPENED: &str = "nova_feed_breaker_opened_total";
/// Feeds that began anew because the cursor's ranking was gone.
pub const RESTARTS: &str = "nova_feed_cursor_restarts_total";
/// Cursors that were refused: `reason` is `malformed`, `version`, `tampered` or `other_viewer`.
pub const CURSORS_REFUSED: &str = "nova_feed_cursors_refused_total";
/// Whether changes arrive late: 0 or 1.
pub const PIPELINE_LATE: &str = "nova_feed_pipeline_late";
/// What the API told Redis about its own writes, by `kind` and `outcome`: `ok`, `queued` (Redis did not take it at once),
/// `late` (it did from the queue), `dropped` (the queue was full), `given_up`.
pub const OWN_WRITES: &str = "nova_feed_own_writes_total";
/// Own writes that wait for Redis.
pub const OWN_WRITES_WAITING: &str = "nova_feed_own_writes_waiting";

/// Registers help texts and units with the recorder; call it once, after the recorder is installed.
pub fn describe() {
    describe_histogram!(FEED_SECONDS, Unit::Seconds, "Time to serve a feed");
    describe_counter!(
        FEEDS,
        "Feeds by outcome: cache, stale, ranked, fallback, unavailable or refused"
    );
    describe_counter!(
        CACHE_STATUS,
        "Feeds by what the cache had: hit, miss or stale"
    );
    describe_histogram!(ROUND_TRIPS, "Round trips to Redis of one feed");
    describe_histogram!(STAGE_SECONDS, Unit::Seconds, "Time of one stage of a feed");
    describe_counter!(
        SOURCE_ANSWERS,
        "Answers of the candidate sources by outcome: ok, late or failed"
    );
    describe_histogram!(
        SOURCE_CANDIDATES,
        "Candidates that a source proposed for one ranking"
    );
    describe_counter!(REMOVED, "Candidates that a filter removed");
    describe_histogram!(RANKED_POSTS, "Posts of one ranking");
    describe_counter!(DEGRADED, "Feeds by what was left out");
    describe_counter!(
        VANISHED,
        "Posts that were to be on a page and might not be shown any more"
    );
    describe_gauge!(RANKINGS, "Rankings under way");
    describe_gauge!(
        RANKINGS_BOUND,
        "Rankings that may be under way at once: more while they are in time, fewer when they are late"
    );
    describe_counter!(
        TURNED_AWAY,
        "Requests that found as many rankings under way and waiting as may be"
    );
    describe_counter!(
        REFRESHES,
        "Rankings behind an answer by outcome: ranked, failed or skipped"
    );
    describe_histogram!(
        SNAPSHOT_BYTES,
        Unit::Bytes,
        "Size of a ranking as it is kept"
    );
    describe_gauge!(
        BREAKER,
        "State of a server's circuit breaker: 0 closed, 1 half open, 2 open"
    );
    describe_counter!(
        BREAKER_OPENED,
        "How often a server's circuit breaker opened"
    );
    describe_counter!(
        RESTARTS,
        "Feeds that began anew because the cursor's ranking was gone"
    );
    describe_counter!(CURSORS_REFUSED, "Cursors that were refused");
    describe_gauge!(PIPELINE_LATE, "Whether changes arrive late: 0 or 1");
}

/// One request.
pub(crate) fn record(page: &Result<FeedPage, FeedError>, took: Duration, hits: Hits) {
    let served_from = page.as_ref().map_or("none", |p| p.served_from.as_str());
    histogram!(FEED_SECONDS, "served_from" => served_from).record(took);
    let outcome = match page {
        Ok(page) => page.served_from.as_str(),
        Err(FeedError::Unavailable(_)) => "unavailable",
        Err(FeedError::Limit { .. } | FeedError::Cursor(_)) => "refused",
    };
    counter!(FEEDS, "outcome" => outcome).increment(1);
    match page {
        Ok(page) => record_page(page, hits),
        Err(FeedError::Cursor(error)) => {
            counter!(CURSORS_REFUSED, "reason" => error.as_str()).increment(1);
        }
        Err(_) => {}
    }
}

fn record_page(page: &FeedPage, hits: Hits) {
    let status = page.served_from.cache_status().as_str();
    counter!(CACHE_STATUS, "status" => status).increment(1);
    histogram!(ROUND_TRIPS, "served_from" => page.served_from.as_str())
        .record(f64::from(hits.round_trips));
    histogram!(STAGE_SECONDS, "stage" => "cache").record(page.timings.cache);
    histogram!(STAGE_SECONDS, "stage" => "hydrate").record(page.timings.hydrate);
    for left_out in &page.degraded {
        counter!(DEGRADED, "left_out" => left_out.to_string()).increment(1);
    }
    counter!(VANISHED).increment(hits.hidden as u64);
    if page.restarted == Some(Restart::CursorExpired) {
        counter!(RESTARTS).increment(1);
    }
}

/// One ranking, however many waited for it.
pub(crate) fn record_ranking(ranked: &RankedFeed) {
    let (trace, timings) = (&ranked.trace, &ranked.timings);
    for (source, took) in &timings.sources {
        histogram!(STAGE_SECONDS, "stage" => source.as_str()).record(*took);
    }
    for (stage, took) in [
        ("interactions", timings.interactions),
        ("counts", timings.counts),
        ("visible", timings.visible),
    ] {
        histogram!(STAGE_SECONDS, "stage" => stage).record(took);
    }
    for source in &trace.sources {
        let name = source.source.as_str();
        counter!(SOURCE_ANSWERS, "source" => name, "outcome" => source.outcome.as_str())
            .increment(1);
        histogram!(SOURCE_CANDIDATES, "source" => name).record(count(source.found));
    }
    for filter in &trace.filters {
        counter!(REMOVED, "filter" => filter.filter.as_str()).increment(filter.removed as u64);
    }
    histogram!(RANKED_POSTS).record(count(trace.ranked));
}

pub(crate) fn breaker_state(server: &'static str, state: u8) {
    gauge!(BREAKER, "server" => server).set(f64::from(state));
}

pub(crate) fn breaker_opened(server: &'static str) {
    counter!(BREAKER_OPENED, "server" => server).increment(1);
}

pub(crate) fn rankings_in_flight(change: f64) {
    gauge!(RANKINGS).increment(change);
}

/// Of one gate; those of a process add up.
pub(crate) fn rankings_bound(from: usize, to: usize) {
    gauge!(RANKINGS_BOUND).increment(count(to) - count(from));
}

pub(crate) fn turned_away() {
    counter!(TURNED_AWAY).increment(1);
}

pub(crate) fn refresh(outcome: &'static str) {
    counter!(REFRESHES, "outcome" => outcome).increment(1);
}

pub(crate) fn snapshot_bytes(bytes: usize) {
    histogram!(SNAPSHOT_BYTES).record(count(bytes));
}

pub(crate) fn pipeline_late(late: bool) {
    gauge!(PIPELINE_LATE).set(f64::from(u8::from(late)));
}

pub(crate) fn own_write(kind: &'static str, outcome: &'static str) {
    counter!(OWN_WRITES, "kind" => kind, "outcome" => outcome).increment(1);
}

pub(crate) fn own_writes_waiting(waiting: usize) {
    gauge!(OWN_WRITES_WAITING).set(count(waiting));
}

/// At most some millions: exact.
fn count(n: usize) -> f64 {
    n as f64
}
