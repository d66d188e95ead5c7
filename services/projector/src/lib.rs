//! What follows the topics beside ClickHouse.
//!
//! Today it does one thing: it puts records without a value into `dead_letters`. ClickHouse's Kafka engine steps over
//! such records without a trace, so without this a producer's mistake would vanish.

mod backoff;
pub mod metrics;
mod quarantine;

pub use quarantine::{ProjectorError, run};
