//! Names of the metrics, and where they are recorded.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::answer::FeedPage;
use crate::error::FeedError;

/// Seconds a whole feed took, failed ones included.
pub const FEED_SECONDS: &str = "nova_feed_request_seconds";
/// Feeds by `outcome`: `ranked`, `degraded` or `unavailable`.
pub const FEEDS: &str = "nova_feed_requests_total";
/// Seconds a `stage` took: a source, `interactions`, `counts`, `visible` or `hydrate`.
pub const STAGE_SECONDS: &str = "nova_feed_stage_seconds";
/// Answers of a `source` by `outcome`: `ok`, `late` or `failed`.
pub const SOURCE_ANSWERS: &str = "nova_feed_source_answers_total";
/// Candidates that a `source` proposed for one feed.
pub const SOURCE_CANDIDATES: &str = "nova_feed_source_candidates";
/// Candidates that a `filter` removed.
pub const REMOVED: &str = "nova_feed_removed_total";
/// Posts ranked for one feed.
pub const RANKED_POSTS: &str = "nova_feed_ranked_posts";
/// Feeds by what was `left_out`.
pub const DEGRADED: &str = "nova_feed_degraded_total";
/// Posts that vanished between the ranking and the page.
pub const VANISHED: &str = "nova_feed_vanished_total";

/// Registers help texts and units with the recorder; call it once, after the recorder is installed.
pub fn describe() {
    describe_histogram!(FEED_SECONDS, Unit::Seconds, "Time to serve a feed");
    describe_counter!(FEEDS, "Feeds by outcome: ranked, degraded or unavailable");
    describe_histogram!(STAGE_SECONDS, Unit::Seconds, "Time of one stage of a feed");
    describe_counter!(
        SOURCE_ANSWERS,
        "Answers of the candidate sources by outcome: ok, late or failed"
    );
    describe_histogram!(
        SOURCE_CANDIDATES,
        "Candidates that a source proposed for one feed"
    );
    describe_counter!(REMOVED, "Candidates that a filter removed");
    describe_histogram!(RANKED_POSTS, "Posts ranked for one feed");
    describe_counter!(DEGRADED, "Feeds by what was left out");
    describe_counter!(
        VANISHED,
        "Posts that vanished between the ranking and the page"
    );
}

pub(crate) fn record(page: &Result<FeedPage, FeedError>, took: Duration) {
    histogram!(FEED_SECONDS).record(took);
    let outcome = match page {
        Ok(page) if page.degraded.is_empty() => "ranked",
        Ok(_) => "degraded",
        Err(_) => "unavailable",
    };
    counter!(FEEDS, "outcome" => outcome).increment(1);
    if let Ok(page) = page {
        record_stages(page);
    }
}

fn record_stages(page: &FeedPage) {
    let (trace, timings) = (&page.trace, &page.timings);
    for (source, took) in &timings.sources {
        histogram!(STAGE_SECONDS, "stage" => source.as_str()).record(*took);
    }
    for (stage, took) in [
        ("interactions", timings.interactions),
        ("counts", timings.counts),
        ("visible", timings.visible),
        ("hydrate", timings.hydrate),
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
        counter!(REMOVED, "filter" => filter.filter).increment(filter.removed as u64);
    }
    for left_out in &page.degraded {
        counter!(DEGRADED, "left_out" => left_out.to_string()).increment(1);
    }
    histogram!(RANKED_POSTS).record(count(trace.ranked));
    counter!(VANISHED).increment(trace.vanished as u64);
}

/// At most a few thousand: exact.
fn count(n: usize) -> f64 {
    n as f64
}
