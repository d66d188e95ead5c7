//! The time a feed may take.

use std::future::Future;
use std::time::Duration;

use nova_olap::OlapError;
use tokio::time::{Instant, timeout};

use crate::config::FeedConfig;
use crate::error::Unavailable;
use crate::trace::{Degraded, Outcome};

/// Counts down from the start of a request.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    started: Instant,
    total: Duration,
    query: Duration,
    reserve: Duration,
}

impl Budget {
    /// Starts the count.
    #[must_use]
    pub fn start(config: &FeedConfig) -> Self {
        Self {
            started: Instant::now(),
            total: config.budget,
            query: config.source_deadline,
            reserve: config.hydrate_reserve,
        }
    }

    /// How long it has been running.
    #[must_use]
    pub fn spent(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long a query to ClickHouse may take from now on: the source deadline, less near the end of the budget.
    pub(crate) fn for_query(&self) -> Duration {
        self.query.min(self.left().saturating_sub(self.reserve))
    }

    fn left(&self) -> Duration {
        self.total.saturating_sub(self.spent())
    }

    /// Waits for a step without which there is no feed.
    pub(crate) async fn require<T, E>(
        &self,
        during: &'static str,
        work: impl Future<Output = Result<T, E>>,
        failed: impl FnOnce(E) -> Unavailable,
    ) -> Result<T, Unavailable> {
        match timeout(self.left(), work).await {
            Ok(result) => result.map_err(failed),
            Err(_) => Err(Unavailable::Late {
                during,
                budget: self.total,
            }),
        }
    }
}

/// A query that the feed can do without.
#[derive(Debug)]
pub(crate) struct Attempt<T> {
    /// What it answered, or how it ended instead.
    pub(crate) result: Result<T, Outcome>,
    pub(crate) took: Duration,
}

impl<T> Attempt<T> {
    /// Waits for the query, which has a deadline of its own; logs a failure.
    pub(crate) async fn of(
        what: Degraded,
        query: impl Future<Output = Result<T, OlapError>>,
    ) -> Self {
        let started = Instant::now();
        let result = query.await.map_err(|error| {
            tracing::warn!(left_out = %what, %error, "the feed goes on without a query");
            match error {
                OlapError::Deadline { .. } => Outcome::Late,
                _ => Outcome::Failed,
            }
        });
        Self {
            result,
            took: started.elapsed(),
        }
    }

    /// How it ended.
    pub(crate) fn outcome(&self) -> Outcome {
        self.result.as_ref().err().copied().unwrap_or(Outcome::Ok)
    }
}
