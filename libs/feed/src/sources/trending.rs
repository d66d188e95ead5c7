//! F2 is the same for every viewer: one query serves all rankings of a process until the counts it is made of change.

use std::sync::Arc;
use std::time::Duration;

use nova_domain::{Candidate, Source};
use nova_olap::EngagementState;
use tokio::time::Instant;

use crate::asking::Asking;
use crate::budget::Attempt;
use crate::remembered::Remembered;
use crate::single_flight::SingleFlight;
use crate::trace::{Degraded, Outcome};

/// With no longer a period each ranking asks for itself.
const NOT_SHARED: Duration = Duration::from_millis(1);

/// So long the state of the counts is what it was when it was asked: recounts are seconds apart, rankings are not.
const STATE_FOR: Duration = Duration::from_millis(250);

/// The posts a source proposed.
pub(super) type List = Arc<Vec<Candidate>>;

/// The list that all rankings of a process share, with the state of the counts it was made of. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trending {
    kept: Remembered<(List, EngagementState)>,
    state: Remembered<EngagementState>,
    states: Arc<SingleFlight<(), Result<EngagementState, Outcome>>>,
    flights: Arc<SingleFlight<EngagementState, Result<List, Outcome>>>,
}

impl Trending {
    /// The state of the counts: as it was asked for last, if that is no longer ago than [`STATE_FOR`]; else what `query` says, which
    /// all who ask meanwhile wait for. And whether it was asked.
    async fn state<F>(&self, query: impl FnOnce() -> F) -> Result<(EngagementState, bool), Outcome>
    where
        F: Future<Output = Result<EngagementState, Outcome>> + Send + 'static,
    {
        if let Some(state) = self.state.within(STATE_FOR) {
            return Ok((state, false));
        }
        let kept = self.state.clone();
        let flight = self.states.join((), || {
            let query = query();
            async move {
                let asked = Instant::now();
                let state = query.await?;
                kept.keep(state, asked);
                Ok(state)
            }
        });
        let state = flight.landed().await.unwrap_or(Err(Outcome::Failed))?;
        Ok((state, true))
    }

    /// The list that is kept, if it was made of these counts and is younger than `period`; else that of `query`, which
    /// all who ask for the same meanwhile wait for.
    async fn get<F>(
        &self,
        state: EngagementState,
        period: Duration,
        query: impl FnOnce() -> F,
    ) -> Result<List, Outcome>
    where
        F: Future<Output = Result<Vec<Candidate>, Outcome>> + Send + 'static,
    {
        if let Some((list, of)) = self.kept.within(period)
            && of == state
        {
            return Ok(list);
        }
        let kept = self.kept.clone();
        let flight = self.flights.join(state, || {
            let query = query();
            async move {
                let asked = Instant::now();
                let list = query.await.map(Arc::new)?;
                kept.keep((Arc::clone(&list), state), asked);
                Ok(list)
            }
        });
        flight.landed().await.unwrap_or(Err(Outcome::Failed))
    }
}

/// Asks for F2: shared, where the ranking is of the present. What the counts are is asked again after a quarter of a second,
/// which costs a tenth of the list: nobody is shown a list that is not true any more for longer. Also gives whether ClickHouse was
/// asked anything: a list from memory does not tell that it is there.
pub(super) async fn fetch<P>(asking: &Asking<'_, P>) -> (Attempt<List>, bool) {
    let (context, ask) = (asking.context, asking.ask);
    let (limits, formula) = (context.config.trending, context.config.formula);
    let (now, deadline) = (ask.now, asking.budget.for_query());
    let what = Degraded::Source(Source::Trending);
    let started = Instant::now();
    // Shared: whoever asks first, somebody may wait for it.
    let olap = context.olap.going_first();
    let query = || {
        let (olap, server) = (olap.clone(), context.guards.clickhouse.clone());
        async move {
            let query = olap.trending_candidates(now, limits, &formula, deadline);
            // 10 kB of state: on the heap.
            let query = Box::pin(query);
            Attempt::of(&server, what, query).await.result
        }
    };
    let period = context.config.shared;
    let mut asked = true;
    let result = match context.shared.filter(|_| ask.live && period > NOT_SHARED) {
        None => query().await.map(Arc::new),
        Some(shared) => {
            let state = || {
                let (olap, server) = (olap.clone(), context.guards.clickhouse.clone());
                async move {
                    let state = Box::pin(olap.engagement_state(deadline));
                    Attempt::of(&server, what, state).await.result
                }
            };
            match shared.trending.state(state).await {
                Ok((state, now)) => {
                    asked = now;
                    shared.trending.get(state, period, query).await
                }
                Err(outcome) => Err(outcome),
            }
        }
    };
    let attempt = Attempt {
        result,
        took: started.elapsed(),
    };
    (attempt, asked)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PERIOD: Duration = Duration::from_secs(2);

    #[derive(Default)]
    struct Server {
        trending: Trending,
        asked: Arc<AtomicUsize>,
    }

    impl Server {
        /// Whether there was an answer, and how many questions there have been.
        async fn ask(&self, state: u64, result: Result<(), Outcome>) -> (bool, usize) {
            let asked = Arc::clone(&self.asked);
            let state = EngagementState::new(state);
            let list = self.trending.get(state, PERIOD, || async move {
                asked.fetch_add(1, Ordering::SeqCst);
                result.map(|()| Vec::new())
            });
            (list.await.is_ok(), self.asked.load(Ordering::SeqCst))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_shared_until_counts_change_or_the_period_ends() {
        let server = Server::default();
        assert_eq!(server.ask(1, Ok(())).await, (true, 1));
        assert_eq!(server.ask(1, Ok(())).await, (true, 1));
        assert_eq!(server.ask(2, Ok(())).await, (true, 2));
        assert_eq!(server.ask(2, Ok(())).await, (true, 2));
        tokio::time::advance(PERIOD).await;
        assert_eq!(server.ask(2, Ok(())).await, (true, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn the_state_of_the_counts_is_asked_four_times_a_second() {
        let trending = Trending::default();
        let ask = async |inserts, result: Result<(), Outcome>| {
            let state = async move { result.map(|()| EngagementState::new(inserts)) };
            trending.state(|| state).await
        };
        assert_eq!(ask(1, Err(Outcome::Late)).await, Err(Outcome::Late));
        assert_eq!(ask(1, Ok(())).await, Ok((EngagementState::new(1), true)));
        tokio::time::advance(STATE_FOR - Duration::from_millis(1)).await;
        assert_eq!(ask(2, Ok(())).await, Ok((EngagementState::new(1), false)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(ask(3, Ok(())).await, Ok((EngagementState::new(3), true)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_not_kept() {
        let server = Server::default();
        assert_eq!(server.ask(1, Err(Outcome::Late)).await, (false, 1));
        assert_eq!(server.ask(1, Ok(())).await, (true, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_at_the_same_time_waits_for_one_query() {
        let server = Server::default();
        let (one, other) = tokio::join!(server.ask(1, Ok(())), server.ask(1, Ok(())));
        assert_eq!((one, other), ((true, 1), (true, 1)));
    }
}
