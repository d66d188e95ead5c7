//! What the handlers share.

use std::future::Future;
use std::sync::Arc;

use nova_feed::discovery::Discovery;
use nova_feed::{FeedService, OwnWrites};
use nova_runtime::ApiConfig;
use nova_social::Social;
use nova_stream::EventProducer;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::auth::TokenVerifier;
use crate::authors::Authors;
use crate::problem::Problem;
use crate::rate_limit::RateLimiter;

/// Cheap to clone; every clone shares the same servers and bounds.
#[derive(Debug, Clone)]
pub(crate) struct AppState(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ApiConfig,
    pub(crate) social: Social,
    pub(crate) authors: Authors,
    pub(crate) events: EventProducer,
    pub(crate) feed: FeedService,
    pub(crate) discovery: Discovery,
    /// Tells Redis what was written.
    pub(crate) own_writes: OwnWrites,
    /// Writes under way, and what is told of them.
    pub(crate) writes: TaskTracker,
    pub(crate) tokens: TokenVerifier,
    pub(crate) rates: RateLimiter,
    /// One permit for each request being served.
    pub(crate) in_flight: Semaphore,
}

impl AppState {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Runs a write, and what is told of it, to its end: also when the client hangs up or the answer is late. A block that
    /// is committed and never told would be a block that does not show.
    pub(crate) async fn write<T, F>(&self, write: impl FnOnce(Self) -> F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let running = self.writes.spawn(write(self.clone()));
        running.await.map_err(Problem::internal)?
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
