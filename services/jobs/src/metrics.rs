//! The names of this crate's metrics.

use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Runs by `job` and `outcome`: `ok`, `failed`, `late`, `skipped` (another process is at it) or `stopped`.
pub const RUNS: &str = "nova_jobs_runs_total";
/// Seconds a run of a `job` took, skipped ones left out.
pub const RUN_SECONDS: &str = "nova_jobs_run_seconds";
/// When a `job` last succeeded, in seconds since 1970.
pub const LAST_SUCCESS: &str = "nova_jobs_last_success_timestamp";
/// What a `job` wrote.
pub const ITEMS: &str = "nova_jobs_items_written_total";
/// Seconds from a like in PostgreSQL until a feed shows it, as the probe saw it.
pub const PROBE_SECONDS: &str = "nova_probe_like_visible_seconds";
/// The last of these.
pub const PROBE_LAST: &str = "nova_probe_like_visible_last";
/// Probes that failed by `reason`: `late` (the like was not seen in time), `missing` (the post was not in the feed to
/// begin with) or `error`.
pub const PROBE_FAILURES: &str = "nova_probe_failures_total";

/// Registers help texts and units with the recorder; call it once, after the recorder is installed.
pub fn describe() {
    describe_counter!(RUNS, "Runs of the jobs by outcome");
    describe_histogram!(RUN_SECONDS, Unit::Seconds, "Time of a run");
    describe_gauge!(
        LAST_SUCCESS,
        Unit::Seconds,
        "When a job last succeeded, in seconds since 1970"
    );
    describe_counter!(ITEMS, "Lists, pages and likes that the jobs wrote");
    describe_histogram!(
        PROBE_SECONDS,
        Unit::Seconds,
        "From a like in PostgreSQL until a feed shows it"
    );
    describe_gauge!(
        PROBE_LAST,
        Unit::Seconds,
        "The last time from a like in PostgreSQL until a feed showed it"
    );
    describe_counter!(PROBE_FAILURES, "Probes of freshness that failed, by reason");
}
