//! What can go wrong between Nova and ClickHouse.

use std::sync::Arc;
use std::time::Duration;

/// An error of ClickHouse or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum OlapError {
    /// The configured address cannot be used.
    #[error("the ClickHouse address cannot be used: {reason}")]
    Address {
        /// What it must look like.
        reason: &'static str,
    },
    /// ClickHouse could not be reached, or answered with an exception.
    #[error("ClickHouse: {0}")]
    Query(#[from] clickhouse::error::Error),
    /// No answer within the deadline.
    #[error("ClickHouse did not answer within {} ms", after.as_millis())]
    Deadline {
        /// The deadline.
        after: Duration,
    },
    /// This process had too many queries under way: the deadline ended before ClickHouse had a fair time for this one.
    #[error("too many queries to ClickHouse are under way: no answer within {} ms", after.as_millis())]
    Busy {
        /// The deadline.
        after: Duration,
    },
    /// What happened to a query that was asked together with others'.
    #[error("{0}")]
    Together(Arc<OlapError>),
    /// The task that was to ask ended without an answer: it panicked, or the process stops.
    #[error("the query to ClickHouse was not asked to its end")]
    Lost,
    /// A statement of the schema was refused. The statements before it were applied; all are idempotent.
    #[error("schema statement {number}, {name}: {source}")]
    Statement {
        /// Its place in `schema.sql`, from 1.
        number: usize,
        /// What it creates.
        name: String,
        /// What ClickHouse said.
        source: clickhouse::error::Error,
    },
    /// `schema.sql` has a statement of a form that [`crate::schema::apply`] does not know.
    #[error("schema statement {number} is not understood: {text}")]
    UnknownStatement {
        /// Its place in `schema.sql`, from 1.
        number: usize,
        /// Its beginning.
        text: String,
    },
}

impl OlapError {
    /// What happened to the query, whoever asked with it.
    #[must_use]
    pub fn cause(&self) -> &Self {
        match self {
            Self::Together(cause) => cause.cause(),
            itself => itself,
        }
    }
}
