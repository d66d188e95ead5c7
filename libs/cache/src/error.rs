//! What can go wrong between Nova and Redis.

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerError, ServerErrorKind};

/// An error of Redis or of the way to it. To a reader of a feed each is a miss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// The configured address cannot be used.
    #[error("the Redis address cannot be used: {reason}")]
    Address {
        /// What it must look like.
        reason: &'static str,
    },
    /// Redis cannot be reached, or is not ready. Known at once while it is being reconnected to.
    #[error("Redis cannot be reached: {reason}")]
    Unavailable {
        /// What happened to the connection.
        reason: String,
    },
    /// No answer within the deadline. What was sent may have been done.
    #[error("Redis did not answer within {} ms", after.as_millis())]
    Timeout {
        /// The deadline.
        after: Duration,
    },
    /// Redis answered with an error: a key of another type, no memory left, no permission.
    #[error("Redis refused: {reason}")]
    Refused {
        /// What it said.
        reason: String,
    },
    /// A value that cannot be written or understood.
    #[error("{what} in Redis: {reason}")]
    Corrupt {
        /// Which kind of value.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl CacheError {
    /// The word that metrics count it under.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Address { .. } => "address",
            Self::Unavailable { .. } => "unavailable",
            Self::Timeout { .. } => "timeout",
            Self::Refused { .. } => "refused",
            Self::Corrupt { .. } => "corrupt",
        }
    }

    /// An error of the connection, or one that stands for a whole exchange.
    pub(crate) fn of_exchange(error: &RedisError, after: Duration) -> Self {
        if error.is_timeout() {
            return Self::Timeout { after };
        }
        let reason = error.to_string();
        match error.kind() {
            ErrorKind::Io | ErrorKind::Parse | ErrorKind::AuthenticationFailed => {
                Self::Unavailable { reason }
            }
            _ => Self::Refused { reason },
        }
    }

    /// An error that Redis answered one command with.
    pub(crate) fn of_command(error: &ServerError) -> Self {
        let reason = error.to_string();
        match error.kind() {
            Some(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::TryAgain,
            ) => Self::Unavailable { reason },
            _ => Self::Refused { reason },
        }
    }
}
