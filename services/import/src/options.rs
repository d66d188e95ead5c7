//! What to import and how, and why it may stop.

use std::path::PathBuf;

use nova_social::bulk::BulkError;
use nova_stream::PublishError;
use tokio::task::JoinError;

use crate::cofacts::CofactsOptions;
use crate::input::{Format, ReadError};
use crate::summary::Summary;

/// What to import and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// Keeps the keys of different sources apart. Part of every derived id.
    pub namespace: String,
    /// Passes over bad lines instead of stopping before anything of their file is written.
    pub skip_bad: bool,
    /// Moves all times so that the newest becomes now.
    pub shift_to_now: bool,
    /// How many bad lines are told one by one for each file; all are counted.
    pub show_bad: usize,
    /// No progress on stderr. Bad lines are told all the same.
    pub quiet: bool,
    /// For [`Format::Cofacts`] alone.
    pub cofacts: CofactsOptions,
}

impl Options {
    /// Strict, unshifted, telling 20 bad lines a file.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        Self {
            path: path.into(),
            format,
            namespace: "default".to_owned(),
            skip_bad: false,
            shift_to_now: false,
            show_bad: 20,
            quiet: false,
            cofacts: CofactsOptions::default(),
        }
    }
}

/// Why an import stopped. What was written by then stays; starting it again continues from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file could not be read at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Bad lines, and they were not to be skipped.
    #[error("{count} bad lines in {file}; nothing of it was written (--skip-bad passes over them)")]
    BadLines {
        /// The file.
        file: String,
        /// How many.
        count: u64,
        /// What was done before.
        summary: Box<Summary>,
    },
    /// PostgreSQL did not take a batch.
    #[error(transparent)]
    Bulk(#[from] BulkError),
    /// Kafka did not take a batch of events.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The source has events and no Kafka is configured.
    #[error("the source has events: NOVA_KAFKA_BROKERS is needed")]
    NoKafka,
    /// The reader thread panicked.
    #[error("the reader stopped")]
    Reader(#[from] JoinError),
}
