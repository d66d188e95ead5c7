//! The client: one pool of connections, a deadline on every query.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use clickhouse::Client;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use crate::config::OlapConfig;
use crate::error::OlapError;
use crate::together::Together;
use crate::turns::{Awaited, Turns};

/// Shorter than the server's keep-alive (3 s by default), so that no request goes out on a connection being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Queries of the read path under way at once, for each processor this process may use. More of them only share the
/// processors of ClickHouse, until each is late; and those that wait can be asked together.
const READS_PER_PROCESSOR: usize = 2;

/// And at least so many: those of one ranking.
const FEWEST_READS: usize = 4;

/// Of those that give way, as many as there are processors, and at least so many.
const FEWEST_BEHIND: usize = 2;

/// A place among the queries under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    _awaited: Option<Awaited<'a>>,
    _place: Option<SemaphorePermit<'a>>,
}

/// ClickHouse as Nova sees it. Cheap to clone.
#[derive(Clone)]
pub struct Olap {
    client: Client,
    pub(crate) database: Arc<str>,
    reads: Arc<Semaphore>,
    behind: Arc<Semaphore>,
    turns: Turns,
    together: Arc<Together>,
    /// Whether its questions are asked together with others that wait.
    joins: bool,
    /// Nobody waits for its queries: how long each gives way, at most.
    gives_way: Option<Duration>,
}

impl Olap {
    /// How long a query gives way, at most, that nobody will ever wait for: a job's, or one of a ranking ahead of its time.
    pub const GIVES_WAY: Duration = Duration::from_millis(100);

    /// Makes the client; it connects when it is used.
    #[must_use]
    pub fn new(config: &OlapConfig) -> Self {
        Self::taking(config, Turns::default())
    }

    /// The same for a process with several of them: queries that nobody waits for ([`Self::giving_way`]) give way to those
    /// that somebody does, whichever client they are of.
    #[must_use]
    pub fn taking(config: &OlapConfig, turns: Turns) -> Self {
        let mut connector = HttpConnector::new();
        // With Nagle's algorithm a small insert waits 40 ms for the server's delayed acknowledgement.
        connector.set_nodelay(true);
        connector.set_keepalive(Some(Duration::from_secs(60)));
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        let client = Client::with_http_client(http)
            .with_url(config.address.as_str())
            .with_user(&config.user)
            .with_password(&config.password)
            .with_database(&config.database);
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            client,
            database: config.database.as_str().into(),
            reads: Arc::new(Semaphore::new(
                FEWEST_READS.max(READS_PER_PROCESSOR * processors),
            )),
            behind: Arc::new(Semaphore::new(FEWEST_BEHIND.max(processors))),
            turns,
            together: Arc::default(),
            joins: false,
            gives_way: None,
        }
    }

    /// The same client for what nobody waits for: its queries are fewer at once, one for each processor and at least two, and
    /// each waits while one is under way that somebody waits for; for `at_most` so long, and at most a quarter of its deadline.
    #[must_use]
    pub fn giving_way(&self, at_most: Duration) -> Self {
        Self {
            gives_way: Some(at_most),
            ..self.clone()
        }
    }

    /// The same client for what others may wait for as well.
    #[must_use]
    pub fn going_first(&self) -> Self {
        Self {
            gives_way: None,
            ..self.clone()
        }
    }

    /// The same client for the questions of rankings of the present: where several of a kind wait for their turn they are asked by one
    /// query, for at most eight viewers, as of the earliest of their times. Every clone of a client asks together with the others.
    ///
    /// Each needs a runtime, and goes on when who asked does not wait any more, to its deadline.
    #[must_use]
    pub fn asking_together(&self) -> Self {
        Self {
            joins: true,
            ..self.clone()
        }
    }

    /// Where its questions wait for others, if they do.
    pub(crate) fn together(&self) -> Option<&Together> {
        self.joins.then_some(&*self.together)
    }

    /// Whether somebody waits for its queries.
    pub(crate) const fn is_awaited(&self) -> bool {
        self.gives_way.is_none()
    }

    /// The client itself, for statements that have no method here (tests, tools).
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A query of the read path: at most two for each processor at once, fewer of those that give way, and the wait for a place
    /// counts against its deadline. Under overload some requests are late instead of all. Where most of the time was spent waiting, ClickHouse
    /// is not to blame: [`OlapError::Busy`].
    pub(crate) async fn read_within<T>(
        &self,
        deadline: Duration,
        query: impl Future<Output = Result<T, OlapError>>,
    ) -> Result<T, OlapError> {
        let started = Instant::now();
        let busy = OlapError::Busy { after: deadline };
        let Ok(_turn) = timeout(deadline, self.turn(deadline)).await else {
            return Err(busy);
        };
        let waited = started.elapsed();
        match within(deadline.saturating_sub(waited), query).await {
            Err(OlapError::Deadline { .. }) if waited > deadline / 2 => Err(busy),
            Err(OlapError::Deadline { .. }) => Err(OlapError::Deadline { after: deadline }),
            answer => answer,
        }
    }

    /// Waits for a place among the queries under way, however long that takes, and gives way for at most a quarter of `deadline`.
    pub(crate) async fn turn(&self, deadline: Duration) -> Turn<'_> {
        let awaited = self.gives_way.is_none().then(|| self.turns.awaited());
        // Never closed: an error here cannot happen, and costs nothing but the limit.
        let place = match self.gives_way {
            None => self.reads.acquire().await.ok(),
            Some(at_most) => {
                // In the order in which they came.
                let place = self.behind.acquire().await.ok();
                self.turns.give_way(at_most.min(deadline / 4)).await;
                place
            }
        };
        Turn {
            _awaited: awaited,
            _place: place,
        }
    }

    /// Whether ClickHouse answers queries.
    ///
    /// # Errors
    /// [`OlapError`] when it does not, within `deadline`.
    pub async fn ping(&self, deadline: Duration) -> Result<(), OlapError> {
        within(deadline, async {
            let _one: u8 = self.client.query("SELECT 1").fetch_one().await?;
            Ok(())
        })
        .await
    }
}

impl std::fmt::Debug for Olap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Olap").finish_non_exhaustive()
    }
}

/// Ends a query at its deadline. The server ends it by the `max_execution_time` that queries of the read path carry.
pub(crate) async fn within<T>(
    deadline: Duration,
    query: impl Future<Output = Result<T, OlapError>>,
) -> Result<T, OlapError> {
    tokio::time::timeout(deadline, query)
        .await
        .unwrap_or(Err(OlapError::Deadline { after: deadline }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::time::sleep;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(1);
    const TAKES: Duration = Duration::from_millis(40);
    const GIVES_WAY: Duration = Duration::from_millis(100);

    fn config() -> OlapConfig {
        OlapConfig::from_url(&"http://127.0.0.1:1".parse().unwrap()).unwrap()
    }

    /// When a query began, after `since`; it takes a while.
    async fn began(olap: &Olap, since: Instant) -> Duration {
        let query = async {
            let began = since.elapsed();
            sleep(TAKES).await;
            Ok(began)
        };
        olap.read_within(DEADLINE, query).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_begins_after_what_somebody_does() {
        let turns = Turns::default();
        let requests = Olap::taking(&config(), turns.clone());
        let jobs = Olap::taking(&config(), turns).giving_way(GIVES_WAY);
        let elsewhere = Olap::new(&config()).giving_way(GIVES_WAY);
        let (ahead, shared) = (requests.giving_way(GIVES_WAY), jobs.going_first());
        let now = Instant::now();
        let at_once = Duration::ZERO;
        let all = tokio::join!(
            began(&requests, now),
            began(&jobs, now),
            began(&ahead, now),
            began(&shared, now),
            began(&elsewhere, now),
        );
        assert_eq!(all, (at_once, TAKES, TAKES, at_once, at_once));
    }

    #[tokio::test(start_paused = true)]
    async fn what_gives_way_has_its_turn_where_somebody_always_waits() {
        let requests = Olap::new(&config());
        let jobs = requests.giving_way(GIVES_WAY);
        let always = requests.read_within(DEADLINE, async {
            sleep(DEADLINE / 2).await;
            Ok(())
        });
        let (always, late) = tokio::join!(always, began(&jobs, Instant::now()));
        assert!(always.is_ok());
        assert_eq!(late, GIVES_WAY);
    }

    #[tokio::test(start_paused = true)]
    async fn few_of_those_that_give_way_are_under_way_at_once() {
        let jobs = Olap::new(&config()).giving_way(GIVES_WAY);
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let query = async || {
            most.fetch_max(
                under_way.fetch_add(1, Ordering::Relaxed) + 1,
                Ordering::Relaxed,
            );
            sleep(TAKES).await;
            under_way.fetch_sub(1, Ordering::Relaxed);
            Ok(())
        };
        let all = (0..20).map(|_| jobs.read_within(DEADLINE, query()));
        assert!(join_all(all).await.iter().all(Result::is_ok));
        let processors = std::thread::available_parallelism().unwrap().get();
        assert_eq!(most.into_inner(), FEWEST_BEHIND.max(processors));
    }
}
