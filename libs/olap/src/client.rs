//! The client: one pool of connections, a deadline on every query.

use std::sync::Arc;
use std::time::Duration;

use clickhouse::Client;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::config::OlapConfig;
use crate::error::OlapError;

/// Shorter than the server's keep-alive (3 s by default), so that no request goes out on a connection being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Queries of the read path under way at once, for each processor this process may use. More of them only share the
/// processors of ClickHouse, until each is late.
const READS_PER_PROCESSOR: usize = 2;

/// And at least so many: those of one ranking.
const FEWEST_READS: usize = 4;

/// ClickHouse as Nova sees it. Cheap to clone.
#[derive(Clone)]
pub struct Olap {
    client: Client,
    pub(crate) database: Arc<str>,
    reads: Arc<Semaphore>,
}

impl Olap {
    /// Makes the client; it connects when it is used.
    #[must_use]
    pub fn new(config: &OlapConfig) -> Self {
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
        Self {
            client,
            database: config.database.as_str().into(),
            reads: Arc::new(Semaphore::new(concurrent_reads())),
        }
    }

    /// The client itself, for statements that have no method here (tests, tools).
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A query of the read path: at most two for each processor at once, and the wait for a place counts against its
    /// deadline. Under overload some requests are late instead of all. Where most of the time was spent waiting, ClickHouse
    /// is not to blame: [`OlapError::Busy`].
    pub(crate) async fn read_within<T>(
        &self,
        deadline: Duration,
        query: impl Future<Output = Result<T, OlapError>>,
    ) -> Result<T, OlapError> {
        let started = Instant::now();
        let busy = OlapError::Busy { after: deadline };
        // Never closed: an error here cannot happen, and costs nothing but the limit.
        let Ok(_place) = timeout(deadline, self.reads.acquire()).await else {
            return Err(busy);
        };
        let waited = started.elapsed();
        match within(deadline.saturating_sub(waited), query).await {
            Err(OlapError::Deadline { .. }) if waited > deadline / 2 => Err(busy),
            Err(OlapError::Deadline { .. }) => Err(OlapError::Deadline { after: deadline }),
            answer => answer,
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

fn concurrent_reads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    FEWEST_READS.max(READS_PER_PROCESSOR * processors)
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
