//! What follows the topics beside ClickHouse: changes of PostgreSQL become counters, overlays and stale marks in Redis.
//!
//! Four tasks, each by itself:
//!
//! * [`changes`](run): the change topics. Nothing is announced before ClickHouse can serve it, counts are absolute and
//!   carry a version, and offsets go on behind what is written: a crash at any point only repeats work.
//! * client events: what ClickHouse recounted of impressions, views and shares.
//! * quarantine: records without a value go into `dead_letters`; ClickHouse's Kafka engine steps over such records without
//!   a trace, so without this a producer's mistake would vanish.
//! * consumers: one of ClickHouse's that has lost its brokers for good is made anew.

mod backoff;
mod changes;
mod config;
mod consumers;
mod error;
mod events;
pub mod metrics;
mod pending;
mod quarantine;
mod run;
mod steps;

pub use config::ProjectorConfig;
pub use error::ProjectorError;
pub use run::run;
