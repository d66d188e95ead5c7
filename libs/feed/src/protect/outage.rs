//! Which errors say that a server is out, and which that it answered.

use std::time::Duration;

use nova_cache::CacheError;
use nova_olap::OlapError;
use nova_social::SocialError;

/// Less than this is no fair wait: a call given less, near the end of a budget, says nothing about the server.
pub(crate) const FAIR_WAIT: Duration = Duration::from_millis(50);

/// An error of a server.
pub trait Outage {
    /// Whether the server did not answer. A refusal is an answer: it does not open a circuit breaker.
    fn is_outage(&self) -> bool;
}

impl Outage for OlapError {
    fn is_outage(&self) -> bool {
        use clickhouse::error::Error;
        match self.cause() {
            Self::Deadline { after } => *after >= FAIR_WAIT,
            Self::Query(error) => matches!(error, Error::Network(_) | Error::TimedOut),
            _ => false,
        }
    }
}

impl Outage for SocialError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Outage for CacheError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Timeout { .. })
    }
}
