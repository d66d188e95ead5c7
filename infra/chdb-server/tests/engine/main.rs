//! The server as a process on the real engine, asked by the `clickhouse` crate, by plain HTTP, and by hand-made
//! bodies.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is the failure to report"
)]

mod answers;
mod auth;
mod blocks;
mod cancel;
mod crate_types;
mod durability;
mod errors;
mod inserts;
mod limits;
mod params;
mod sessions;
mod start;
mod support;
