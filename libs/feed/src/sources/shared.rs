//! F2 is the same for every viewer: one query serves all rankings of a process for some seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nova_domain::{Candidate, Source};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::asking::Asking;
use crate::budget::Attempt;
use crate::single_flight::SingleFlight;
use crate::trace::{Degraded, Outcome};

/// An answer is served for so many times the period after which it is asked for anew, while that is under way.
const SERVED_PERIODS: u32 = 5;

/// With no longer a period each ranking asks for itself.
const NOT_SHARED: Duration = Duration::from_millis(1);

/// The posts a source proposed.
pub(super) type List = Arc<Vec<Candidate>>;

/// Answers that all rankings of a process share. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub struct Shared {
    kept: Arc<Mutex<Option<Kept>>>,
    flights: Arc<SingleFlight<(), Result<List, Outcome>>>,
}

/// An answer, and when it was asked for.
#[derive(Debug, Clone)]
struct Kept {
    list: List,
    asked: Instant,
}

/// A source's answer, and whether it was there before the question.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) attempt: Attempt<List>,
    pub(super) kept: bool,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            flights: Arc::new(SingleFlight::new(TaskTracker::new())),
        }
    }
}

impl Shared {
    /// The answer that is kept, if it is younger than `period`; an older one, up to [`SERVED_PERIODS`] of them, while
    /// `query` replaces it; else that of `query`. One query at a time. One that fails leaves nothing to be served.
    pub(super) async fn get<F>(&self, period: Duration, query: impl FnOnce() -> F) -> Answer
    where
        F: Future<Output = Attempt<Vec<Candidate>>> + Send + 'static,
    {
        let started = Instant::now();
        let kept = self.lock().clone();
        let age = kept.as_ref().map(|kept| started - kept.asked);
        let served = kept.filter(|_| age.is_some_and(|age| age < period * SERVED_PERIODS));
        if let Some(kept) = &served
            && age.is_some_and(|age| age < period)
        {
            return Answer::kept(&kept.list, started);
        }
        let (store, query) = (Arc::clone(&self.kept), query);
        let flight = self.flights.join((), || {
            let query = query();
            async move {
                let asked = Instant::now();
                let result = query.await.result.map(Arc::new);
                let kept = result.as_ref().ok().map(|list| Kept {
                    list: Arc::clone(list),
                    asked,
                });
                *store.lock().unwrap_or_else(PoisonError::into_inner) = kept;
                result
            }
        });
        if let Some(kept) = served {
            return Answer::kept(&kept.list, started);
        }
        let result = flight.landed().await;
        Answer {
            attempt: Attempt {
                result: result.unwrap_or(Err(Outcome::Failed)),
                took: started.elapsed(),
            },
            kept: false,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Kept>> {
        // Nothing panics while it is held.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    fn kept(list: &List, started: Instant) -> Self {
        Self {
            attempt: Attempt {
                result: Ok(Arc::clone(list)),
                took: started.elapsed(),
            },
            kept: true,
        }
    }
}

/// Asks for F2: shared, where the ranking is of the present.
pub(super) async fn trending<P>(asking: &Asking<'_, P>) -> Answer {
    let (context, ask) = (asking.context, asking.ask);
    let (limits, formula) = (context.config.trending, context.config.formula);
    let (now, deadline) = (ask.now, asking.budget.for_query());
    let query = || {
        let (olap, server) = (context.olap.clone(), context.guards.clickhouse.clone());
        async move {
            let query = olap.trending_candidates(now, limits, &formula, deadline);
            // 10 kB of state: on the heap.
            let query = Box::pin(query);
            Attempt::of(&server, Degraded::Source(Source::Trending), query).await
        }
    };
    let period = context.config.shared;
    match context.shared.filter(|_| ask.live && period > NOT_SHARED) {
        Some(shared) => shared.get(period, query).await,
        None => {
            let Attempt { result, took } = query().await;
            Answer {
                attempt: Attempt {
                    result: result.map(Arc::new),
                    took,
                },
                kept: false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PERIOD: Duration = Duration::from_secs(2);

    #[derive(Clone, Default)]
    struct Server {
        asked: Arc<AtomicUsize>,
    }

    impl Server {
        async fn ask(&self, shared: &Shared, result: Result<(), Outcome>) -> (bool, bool) {
            let asked = Arc::clone(&self.asked);
            let answer = shared.get(PERIOD, || async move {
                asked.fetch_add(1, Ordering::SeqCst);
                Attempt {
                    result: result.map(|()| Vec::new()),
                    took: Duration::ZERO,
                }
            });
            let answer = answer.await;
            (answer.kept, answer.attempt.result.is_ok())
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_query_serves_a_period_and_an_older_answer_is_served_while_it_is_replaced() {
        let (shared, server) = (Shared::default(), Server::default());
        assert_eq!(server.ask(&shared, Ok(())).await, (false, true));
        assert_eq!(server.ask(&shared, Ok(())).await, (true, true));
        assert_eq!(server.asked(), 1);
        tokio::time::advance(PERIOD).await;
        assert_eq!(server.ask(&shared, Ok(())).await, (true, true));
        tokio::task::yield_now().await;
        assert_eq!(server.asked(), 2);
        // Nobody asked for a long time: that old it is not served.
        tokio::time::advance(PERIOD * SERVED_PERIODS).await;
        assert_eq!(server.ask(&shared, Ok(())).await, (false, true));
        assert_eq!(server.asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_query_that_failed_nothing_old_is_served() {
        let (shared, server) = (Shared::default(), Server::default());
        server.ask(&shared, Ok(())).await;
        tokio::time::advance(PERIOD).await;
        let failed = Err(Outcome::Late);
        assert_eq!(server.ask(&shared, failed).await, (true, true));
        tokio::task::yield_now().await;
        assert_eq!(server.ask(&shared, failed).await, (false, false));
        assert_eq!(server.ask(&shared, Ok(())).await, (false, true));
    }
}
