//! Hot posts, suggested users and active users on a real engine, compared with plain loops over the facts.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

mod activity;
mod engine;
mod hot_posts;
mod most_followed;
mod rows;
mod suggestions;
