//! The time a feed may take.

use std::future::Future;
use std::time::Duration;

use nova_olap::OlapError;
use tokio::time::{Instant, timeout};

use crate::config::FeedConfig;
use crate::error::Unavailable;
use crate::protect::{Breaker, FAIR_WAIT, Guarded, Outage};
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

    /// The budget of a ranking: what it asks has to end while those who wait for the ranking, who began a moment before
    /// it, still have time to take it. So it leaves the reserve twice, though never more than half of the budget.
    pub(crate) fn for_ranking(self) -> Self {
        Self {
            reserve: (self.reserve * 2).min(self.total / 2).max(self.reserve),
            ..self
        }
    }

    /// The budget of the answer, once there is a ranking or will be none: what was kept back for it is its to spend, all but a
    /// quarter for what is done without PostgreSQL.
    pub(crate) fn for_answer(self) -> Self {
        Self {
            reserve: self.reserve / 4,
            ..self
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

    /// What is left of it.
    pub(crate) fn left(&self) -> Duration {
        self.total.saturating_sub(self.spent())
    }

    /// What is left before the last steps, which need the reserve.
    pub(crate) fn left_before_reserve(&self) -> Duration {
        self.left().saturating_sub(self.reserve)
    }

    /// How long a ranking may wait for its turn, if it will take so long: as long as there is time for it afterwards, and never
    /// more than half of the budget. Where there is too much to do, all have waited as long as they may once they get their
    /// turn: with no time left for the ranking, each would be late with most of what it asks, for nothing.
    pub(crate) fn left_to_queue(&self, expected: Duration) -> Duration {
        let half = (self.total / 2).saturating_sub(self.spent());
        half.min(self.left_before_reserve().saturating_sub(expected))
    }

    /// What is left for PostgreSQL to say what a ranking may show: it comes last and is short, so it may use a quarter of the
    /// reserve.
    pub(crate) fn left_for_posts(&self) -> Duration {
        self.left().saturating_sub(self.reserve * 3 / 4)
    }

    /// That the budget ended while `during` was under way.
    pub(crate) fn late(&self, during: &'static str) -> Unavailable {
        Unavailable::Late {
            during,
            budget: self.total,
        }
    }

    /// Waits for a step at most so long, less near the end of the budget, unless its server is taken to be out. Leaves
    /// the reserve for what is done when the step fails.
    pub(crate) async fn require<T, E: Outage>(
        &self,
        server: &Breaker,
        at_most: Duration,
        during: &'static str,
        work: impl Future<Output = Result<T, E>>,
        failed: impl FnOnce(E) -> Unavailable,
    ) -> Result<T, Unavailable> {
        let wait = at_most.min(self.left_before_reserve());
        let work = async {
            match timeout(wait, work).await {
                Ok(result) => result.map_err(Step::Failed),
                Err(_) => Err(Step::Late(wait)),
            }
        };
        server.call(work).await.map_err(|error| match error {
            Guarded::Open => Unavailable::Resting {
                server: server.server(),
            },
            Guarded::Failed(Step::Failed(error)) => failed(error),
            Guarded::Failed(Step::Late(_)) => self.late(during),
        })
    }
}

/// How a step with a deadline failed.
enum Step<E> {
    Failed(E),
    Late(Duration),
}

impl<E: Outage> Outage for Step<E> {
    fn is_outage(&self) -> bool {
        match self {
            Self::Failed(error) => error.is_outage(),
            Self::Late(given) => *given >= FAIR_WAIT,
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
    /// Waits for the query, which has a deadline of its own, unless its server is taken to be out; logs a failure.
    pub(crate) async fn of(
        server: &Breaker,
        what: Degraded,
        query: impl Future<Output = Result<T, OlapError>>,
    ) -> Self {
        let started = Instant::now();
        let result = server.call(query).await.map_err(|error| match error {
            // The breaker's opening was logged.
            Guarded::Open => Outcome::Failed,
            Guarded::Failed(error) => {
                tracing::warn!(left_out = %what, %error, "the feed goes on without a query");
                match error.cause() {
                    OlapError::Deadline { .. } | OlapError::Busy { .. } => Outcome::Late,
                    _ => Outcome::Failed,
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[tokio::test(start_paused = true)]
    async fn a_ranking_waits_for_its_turn_as_long_as_there_is_time_for_it_afterwards() {
        let budget = Budget::start(&FeedConfig::default()).for_ranking();
        for (expected, patience) in [
            (0, 400),
            (100, 400),
            (200, 400),
            (300, 300),
            (500, 100),
            (700, 0),
        ] {
            assert_eq!(
                budget.left_to_queue(millis(expected)),
                millis(patience),
                "{expected}"
            );
        }
        tokio::time::advance(millis(350)).await;
        for (expected, patience) in [(0, 50), (200, 50), (230, 20), (500, 0)] {
            assert_eq!(
                budget.left_to_queue(millis(expected)),
                millis(patience),
                "{expected}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_step_has_time_when_those_before_it_took_all_of_theirs() {
        let budget = Budget::start(&FeedConfig::default());
        let ranking = budget.for_ranking();
        tokio::time::advance(millis(600)).await;
        assert_eq!(ranking.for_query(), Duration::ZERO);
        assert_eq!(ranking.left_for_posts(), millis(50));
        tokio::time::advance(millis(100)).await;
        assert_eq!(budget.left_before_reserve(), Duration::ZERO);
        assert_eq!(budget.for_answer().left_before_reserve(), millis(75));
    }
}
