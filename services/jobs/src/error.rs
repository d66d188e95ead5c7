//! Why a run failed.

use std::time::Duration;

use nova_cache::CacheError;
use nova_feed::FeedError;
use nova_olap::OlapError;
use nova_social::SocialError;

/// Why a run of a job came to nothing. It is tried again at the job's next turn.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Redis.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// ClickHouse.
    #[error(transparent)]
    Olap(#[from] OlapError),
    /// PostgreSQL.
    #[error(transparent)]
    Social(#[from] SocialError),
    /// No feed could be ranked.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The lock expired, or was taken away, while the job ran.
    #[error("the lock was lost while the job ran")]
    LeaseLost,
    /// A later run has written already: this one stood still for too long.
    #[error("a later run has written already")]
    Superseded,
    /// Nothing could be made, because sources did not answer.
    #[error("no list could be made: {incomplete} users lacked a source")]
    Incomplete {
        /// How many lists were given up.
        incomplete: usize,
    },
    /// The feed of the probe could not be read.
    #[error("the feed could not be read: {reason}")]
    ProbeFeed {
        /// Why.
        reason: String,
    },
    /// The post of the probe is not in the feed it should be in, or not with the count it should have.
    #[error("the probe's post {state} after {} ms", within.as_millis())]
    ProbePost {
        /// What the feed showed instead.
        state: &'static str,
        /// How long it was waited for.
        within: Duration,
    },
    /// A like was not seen in time.
    #[error("a like was not visible within {} ms", within.as_millis())]
    Invisible {
        /// The limit.
        within: Duration,
    },
}
