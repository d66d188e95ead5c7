//! The stack itself, with real servers: nothing of it stays behind, whatever happens to it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

#[cfg(feature = "containers")]
mod containers;
mod faults;
mod leftovers;
mod owner;
mod start;
mod traces;
