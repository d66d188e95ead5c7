//! Why the projector ended.

use nova_stream::StreamError;

/// Why the projector ended. ClickHouse and Redis are waited for, so only Kafka can end it.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// The topics cannot be read.
    #[error("the topics cannot be read")]
    Stream(#[from] StreamError),
}
