//! Names of the metrics, and where they are recorded.

use std::time::Duration;

use ::metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::error::CacheError;

/// Seconds of a round trip by `operation`, failed ones included.
pub const ROUND_TRIP_SECONDS: &str = "nova_cache_round_trip_seconds";
/// Commands sent, by `operation`.
pub const COMMANDS: &str = "nova_cache_commands_total";
/// Calls that failed, by `operation` and `kind`: `unavailable`, `timeout`, `refused`, `corrupt`.
pub const ERRORS: &str = "nova_cache_errors_total";
/// Values that could not be decoded and were taken for a miss, by `what`.
pub const CORRUPT: &str = "nova_cache_corrupt_total";
/// Attempts to connect by `outcome`: `ok` or `failed`.
pub const CONNECTS: &str = "nova_cache_connects_total";
/// 1 while there is a connection, else 0.
pub const CONNECTED: &str = "nova_cache_connected";
/// Scripts that Redis had lost and was given again.
pub const SCRIPTS_LOADED_AGAIN: &str = "nova_cache_scripts_loaded_again_total";

/// Registers help texts and units with the recorder; call it once, after the recorder is installed.
pub fn describe() {
    describe_histogram!(
        ROUND_TRIP_SECONDS,
        Unit::Seconds,
        "Time of a round trip to Redis"
    );
    describe_counter!(COMMANDS, "Commands sent to Redis");
    describe_counter!(ERRORS, "Calls of Redis that failed");
    describe_counter!(CORRUPT, "Values in Redis that could not be decoded: misses");
    describe_counter!(CONNECTS, "Attempts to connect to Redis by outcome");
    describe_gauge!(CONNECTED, "Whether there is a connection to Redis");
    describe_counter!(SCRIPTS_LOADED_AGAIN, "Scripts that Redis had lost");
}

/// What a round trip is for: the `operation` of the metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation(&'static str);

impl Operation {
    pub(crate) const PING: Self = Self("ping");
    pub(crate) const LOOK: Self = Self("look");
    pub(crate) const SNAPSHOT: Self = Self("snapshot");
    pub(crate) const HYDRATION: Self = Self("hydration");
    pub(crate) const COUNTERS: Self = Self("counters");
    pub(crate) const OVERLAY: Self = Self("overlay");
    pub(crate) const POSITIONS: Self = Self("positions");
    pub(crate) const BLOCKS: Self = Self("blocks");
    pub(crate) const LIST: Self = Self("list");
    pub(crate) const PIPELINE: Self = Self("pipeline");
    pub(crate) const STORE_SNAPSHOT: Self = Self("store_snapshot");
    pub(crate) const STORE_PAGE: Self = Self("store_page");
    pub(crate) const WALK: Self = Self("walk");
    pub(crate) const STORE_BODIES: Self = Self("store_bodies");
    pub(crate) const STORE_BLOCKS: Self = Self("store_blocks");
    pub(crate) const STORE_LIST: Self = Self("store_list");
    pub(crate) const APPLY_COUNTS: Self = Self("apply_counts");
    pub(crate) const ACTIVE: Self = Self("active");
    pub(crate) const OVERLAY_SET: Self = Self("overlay_set");
    pub(crate) const MARK_STALE: Self = Self("mark_stale");
    pub(crate) const LOCK: Self = Self("lock");
    pub(crate) const NOTE_PIPELINE: Self = Self("note_pipeline");
    pub(crate) const SCRIPTS: Self = Self("scripts");
    pub(crate) const STATISTICS: Self = Self("statistics");
}

pub(crate) fn round_trip(operation: Operation, commands: usize, took: Duration) {
    histogram!(ROUND_TRIP_SECONDS, "operation" => operation.0).record(took);
    counter!(COMMANDS, "operation" => operation.0).increment(commands as u64);
}

pub(crate) fn failed(operation: Operation, error: &CacheError) {
    counter!(ERRORS, "operation" => operation.0, "kind" => error.kind()).increment(1);
}

pub(crate) fn connected(up: bool) {
    gauge!(CONNECTED).set(if up { 1.0 } else { 0.0 });
}

pub(crate) fn connect_attempt(ok: bool) {
    counter!(CONNECTS, "outcome" => if ok { "ok" } else { "failed" }).increment(1);
}
