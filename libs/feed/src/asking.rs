//! How a ranking asks the servers: through their circuit breakers, within its budget, and going on without an answer.

use std::future::Future;
use std::time::Duration;

use nova_cache::CacheError;
use nova_olap::OlapError;
use nova_social::SocialError;
use tokio::time::{Instant, timeout};

use crate::budget::{Attempt, Budget};
use crate::protect::{FAIR_WAIT, Guarded, Outage};
use crate::rank_types::{Ask, RankContext};
use crate::trace::{Degraded, Outcome};

/// A ranking under way.
#[derive(Debug)]
pub(crate) struct Asking<'a, P> {
    pub(crate) context: &'a RankContext<'a, P>,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) budget: &'a Budget,
}

/// A call that had no time left, or whose server did not answer.
enum Call<E> {
    Failed(E),
    Late(Duration),
}

impl<E: Outage> Outage for Call<E> {
    fn is_outage(&self) -> bool {
        match self {
            Self::Failed(error) => error.is_outage(),
            Self::Late(given) => *given >= FAIR_WAIT,
        }
    }
}

impl<P> Asking<'_, P> {
    /// Asks ClickHouse; `query` has a deadline of its own ([`Budget::for_query`]). Boxed here: a query is 10 kB of
    /// state, and a ranking waits for six of them side by side.
    pub(crate) fn clickhouse<T>(
        &self,
        what: Degraded,
        query: impl Future<Output = Result<T, OlapError>>,
    ) -> impl Future<Output = Attempt<T>> {
        let query = Box::pin(query);
        async move { Attempt::of(&self.context.guards.clickhouse, what, query).await }
    }

    /// Asks PostgreSQL, which gets `posts_deadline`, less near the end of the budget.
    pub(crate) fn postgres<T>(
        &self,
        query: impl Future<Output = Result<T, SocialError>>,
    ) -> impl Future<Output = Attempt<T>> {
        let wait = self.context.config.posts_deadline;
        let wait = wait.min(self.budget.left_for_posts());
        let started = Instant::now();
        let work = within(wait, Box::pin(query));
        async move {
            let result = self.context.guards.postgres.call(work).await;
            attempt(started, Degraded::Posts, result)
        }
    }

    /// Asks Redis, which has a deadline of its own; in the reserve too, for it says what is safe to show. A value that cannot be read is a failure too.
    pub(crate) fn redis<T>(
        &self,
        work: impl Future<Output = Result<T, CacheError>>,
    ) -> impl Future<Output = Attempt<T>> {
        let started = Instant::now();
        let work = within(self.budget.left(), Box::pin(work));
        async move {
            let result = self.context.guards.redis.call(work).await;
            attempt(started, Degraded::Cache, result)
        }
    }
}

async fn within<T, E>(
    wait: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Call<E>> {
    match timeout(wait, work).await {
        Ok(result) => result.map_err(Call::Failed),
        Err(_) => Err(Call::Late(wait)),
    }
}

fn attempt<T, E: std::fmt::Display>(
    started: Instant,
    what: Degraded,
    result: Result<T, Guarded<Call<E>>>,
) -> Attempt<T> {
    let result = result.map_err(|error| match error {
        // The breaker's opening was logged.
        Guarded::Open => Outcome::Failed,
        Guarded::Failed(Call::Failed(error)) => {
            tracing::warn!(left_out = %what, %error, "the feed goes on without an answer");
            Outcome::Failed
        }
        Guarded::Failed(Call::Late(given)) => {
            tracing::warn!(left_out = %what, ?given, "the feed goes on without a late answer");
            Outcome::Late
        }
    });
    Attempt {
        result,
        took: started.elapsed(),
    }
}
