//! Why a load cannot begin or broke off.

use chrono::{DateTime, Utc};
use nova_domain::TextError;
use nova_olap::OlapError;
use nova_social::load::LoadError;
use nova_stream::PublishError;

use super::size::SizeError;

/// Why a load cannot begin or broke off. The same load again goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// The numbers cannot be shared out.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// Times after now would be refused, or sorted to the top for days.
    #[error("the base time {} is in the future", .0.to_rfc3339())]
    Future(DateTime<Utc>),
    /// PostgreSQL, or what is in it.
    #[error(transparent)]
    Postgres(#[from] LoadError),
    /// ClickHouse refused, or could not be reached.
    #[error("ClickHouse did not take the load")]
    ClickHouse(#[from] OlapError),
    /// Events go through Kafka, which is not there.
    #[error("events of this scale go through Kafka: NOVA_KAFKA_BROKERS is needed")]
    NoKafka,
    /// Kafka did not take the events.
    #[error("Kafka did not take the events")]
    Kafka(#[from] PublishError),
    /// A text of the generator is against the rules.
    #[error("a generated text is refused")]
    Text(#[from] TextError),
    /// The change stream has stopped.
    #[error("the change stream stands still: {table} has {found} of {expected} rows in ClickHouse")]
    StandsStill {
        /// The table in ClickHouse.
        table: &'static str,
        /// Rows there.
        found: u64,
        /// Rows in PostgreSQL, or events sent.
        expected: u64,
    },
    /// A thread that made rows panicked.
    #[error("making rows failed")]
    Worker(#[from] tokio::task::JoinError),
}
