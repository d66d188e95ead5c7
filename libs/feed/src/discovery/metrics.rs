//! Names of the metrics of discovery, and where they are recorded.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

/// Seconds a `list` took (`suggested` or `trending`), failed ones included.
pub const REQUEST_SECONDS: &str = "nova_discovery_request_seconds";
/// Lists by `list` and `outcome`: `cache`, `computed`, `fallback` or `failed`.
pub const REQUESTS: &str = "nova_discovery_requests_total";
/// Lists by `list` and what was `left_out`.
pub const DEGRADED: &str = "nova_discovery_degraded_total";
/// Seconds it took to compute the suggestions of one viewer, for a request or by a job.
pub const GENERATE_SECONDS: &str = "nova_discovery_suggestions_generate_seconds";

/// Registers help texts and units with the recorder; call it once, after the recorder is installed.
pub fn describe() {
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time to serve suggested users or trending posts"
    );
    describe_counter!(
        REQUESTS,
        "Lists of suggested users and trending posts by outcome: cache, computed, fallback or failed"
    );
    describe_counter!(DEGRADED, "Lists by what was left out");
    describe_histogram!(
        GENERATE_SECONDS,
        Unit::Seconds,
        "Time to compute the suggestions of one viewer"
    );
}

pub(crate) fn record<T>(
    list: &'static str,
    took: Duration,
    answer: &Result<T, super::DiscoveryError>,
    outcome: impl FnOnce(&T) -> &'static str,
    degraded: impl FnOnce(&T) -> Vec<String>,
) {
    histogram!(REQUEST_SECONDS, "list" => list).record(took);
    let outcome = answer.as_ref().map_or("failed", outcome);
    counter!(REQUESTS, "list" => list, "outcome" => outcome).increment(1);
    for word in answer.as_ref().map(degraded).unwrap_or_default() {
        counter!(DEGRADED, "list" => list, "left_out" => word).increment(1);
    }
}

pub(crate) fn generated(took: Duration) {
    histogram!(GENERATE_SECONDS).record(took);
}
