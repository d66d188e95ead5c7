//! The application: bound to its address, then run.

use std::net::SocketAddr;

use axum::Router;
use nova_feed::FeedService;
use nova_runtime::{ApiConfig, AuthConfig, Shutdown};
use nova_social::Social;
use nova_stream::EventProducer;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::auth::{KeyError, TokenVerifier};
use crate::janitor;
use crate::rate_limit::RateLimiter;
use crate::router::router;
use crate::server;
use crate::state::{AppState, Shared};

/// What the API stands on.
#[derive(Debug)]
pub struct Dependencies {
    /// PostgreSQL.
    pub social: Social,
    /// Kafka.
    pub events: EventProducer,
    /// The read path.
    pub feed: FeedService,
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
        let social = dependencies.social.clone();
        let state = state(api, auth, dependencies)?;
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
            max_connections: api.max_connections,
        })
    }

    /// The address that was bound.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until the signal to stop, then until the requests under way have their answers.
    pub async fn run_until_stopped(self, shutdown: Shutdown) {
        let serving = server::serve(self.listener, self.router, self.max_connections, &shutdown);
        tokio::select! {
            () = serving => {}
            () = janitor::run(&self.social) => {}
        }
    }
}

pub(crate) fn state(
    api: &ApiConfig,
    auth: &AuthConfig,
    dependencies: Dependencies,
) -> Result<AppState, KeyError> {
    Ok(AppState::new(Shared {
        tokens: TokenVerifier::new(auth)?,
        rates: RateLimiter::new(api),
        in_flight: Semaphore::new(api.max_in_flight),
        config: api.clone(),
        social: dependencies.social,
        events: dependencies.events,
        feed: dependencies.feed,
    }))
}
