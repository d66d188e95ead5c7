//! The read path on a real ClickHouse engine.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

mod brute_force;
mod degradation;
mod kept;
mod many;
mod newest;
mod support;
mod together;
