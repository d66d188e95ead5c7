//! What the end-to-end tests share: one stack of real servers with Nova on it, people who use its API, and waiting.
//!
//! Tests of one run share a stack (starting one takes longer than most tests) and keep apart by their own users and
//! posts. A test that disturbs a server or compares whole tables takes the stack for itself: [`exclusive`].
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this crate is a test harness: a panic is the failure to report"
)]

mod browser;
mod clock;
mod counts;
mod kafka;
mod people;
mod redis;
mod report;
mod settled;
mod world;

pub use browser::Browser;
pub use clock::{Latencies, poll_until, wait_until};
pub use counts::{Fingerprints, fingerprints};
pub use kafka::{Position, TOPICS, committed, end_offsets, produce, rewind_group};
pub use people::{Counts, Feed, Item, Person, Snapshot, new_post};
pub use report::say;
pub use settled::settled;
pub use world::{Exclusive, Shared, World, console_socket, exclusive, run, shared, start_stack};
