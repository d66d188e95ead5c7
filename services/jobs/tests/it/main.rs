//! The jobs and the lists they make, on real servers.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

mod hot_posts;
mod lock;
mod probe;
mod suggested_users;
mod trending;
mod warmer;
mod world;
