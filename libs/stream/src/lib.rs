//! Kafka topics, the event producer, reading topics, and the Debezium connector.
//!
//! Owns the names of topics and the wire form of events. Knows nothing of HTTP handlers, SQL or ranking.

mod brokers;
pub mod change;
pub mod connector;
mod event;
pub mod metrics;
mod offsets;
mod producer;
mod reader;
pub mod topics;

pub use event::StoredEvent;
pub use offsets::Position;
pub use producer::{EventProducer, ProducerConfig, PublishError};
pub use reader::{Record, StreamError, TopicReader};
