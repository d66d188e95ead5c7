//! The application: bound to its address, then run.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use nova_cache::Cache;
use nova_feed::discovery::Discovery;
use nova_feed::{FeedService, OwnWrites, Retries};
use nova_runtime::{ApiConfig, AuthConfig, Shutdown};
use nova_social::Social;
use nova_stream::EventProducer;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::auth::{KeyError, TokenVerifier};
use crate::authors::Authors;
use crate::console::{self, ConsoleConfig, Sources};
use crate::janitor;
use crate::rate_limit::RateLimiter;
use crate::router::router;
use crate::server;
use crate::state::{AppState, Shared};

/// How long what runs behind answers that were given may take when the process stops.
const DRAIN: Duration = Duration::from_secs(2);

/// What the API stands on.
#[derive(Debug)]
pub struct Dependencies {
    /// PostgreSQL.
    pub social: Social,
    /// Kafka.
    pub events: EventProducer,
    /// The read path.
    pub feed: FeedService,
    /// Trending posts and suggested users.
    pub discovery: Discovery,
    /// Redis, for what the API tells of its own writes; the same one that `feed` and `discovery` read.
    pub cache: Option<Cache>,
}

/// Why the API could not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The key for tokens cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The address cannot be bound.
    #[error("NOVA_API_ADDR: cannot listen on {addr}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The API, bound and not yet serving.
#[derive(Debug)]
pub struct Application {
    listener: TcpListener,
    addr: SocketAddr,
    router: Router,
    social: Social,
    feed: FeedService,
    writes: TaskTracker,
    retries: Retries,
    max_connections: usize,
}

impl Application {
    /// Binds the address (port 0 takes a free one). Connects to nothing: servers that are down show in the answers.
    ///
    /// # Errors
    /// When the key cannot be used or the address cannot be bound.
    pub async fn build(
        api: &ApiConfig,
        auth: &AuthConfig,
        dependencies: Dependencies,
    ) -> Result<Self, ApiError> {
        let (social, feed) = (dependencies.social.clone(), dependencies.feed.clone());
        let (state, retries) = state(api, auth, dependencies)?;
        let writes = state.writes.clone();
        let bind = |source| ApiError::Bind {
            addr: api.addr,
            source,
        };
        let listener = TcpListener::bind(api.addr).await.map_err(bind)?;
        Ok(Self {
            addr: listener.local_addr().map_err(bind)?,
            listener,
            router: router(state),
            social,
            feed,
            writes,
            retries,
            max_connections: api.max_connections,
        })
    }

    /// The same with the development console, which signs tokens for anybody.
    #[must_use]
    pub fn with_console(mut self, config: ConsoleConfig, sources: Sources) -> Self {
        tracing::warn!(
            addr = %self.addr,
            "NOVA_CONSOLE is on: whoever reaches this address can act as any user; never in production"
        );
        self.router = self.router.merge(console::router(config, sources));
        self
    }

    /// The address that was bound.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until the signal to stop, then until the requests under way have their answers.
    pub async fn run_until_stopped(mut self, shutdown: Shutdown) {
        let serving = async {
            server::serve(self.listener, self.router, self.max_connections, &shutdown).await;
            // Writes whose clients have hung up.
            self.writes.close();
            self.writes.wait().await;
        };
        tokio::select! {
            () = serving => {}
            () = janitor::run(&self.social) => {}
            () = self.retries.run() => {}
            () = self.feed.watch_pipeline() => {}
        }
        self.retries.finish().await;
        if !self.feed.drain(DRAIN).await {
            tracing::warn!("stopped with work of the feed under way");
        }
    }
}

pub(crate) fn state(
    api: &ApiConfig,
    auth: &AuthConfig,
    dependencies: Dependencies,
) -> Result<(AppState, Retries), KeyError> {
    let (own_writes, retries) = OwnWrites::new(dependencies.cache);
    let state = AppState::new(Shared {
        tokens: TokenVerifier::new(auth)?,
        authors: Authors::new(),
        rates: RateLimiter::new(api),
        in_flight: Semaphore::new(api.max_in_flight),
        config: api.clone(),
        social: dependencies.social,
        events: dependencies.events,
        feed: dependencies.feed,
        discovery: dependencies.discovery,
        own_writes,
        writes: TaskTracker::new(),
    });
    Ok((state, retries))
}
