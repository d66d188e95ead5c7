//! What the handlers share.

use std::sync::Arc;

use nova_feed::FeedService;
use nova_runtime::ApiConfig;
use nova_social::Social;
use nova_stream::EventProducer;
use tokio::sync::Semaphore;

use crate::auth::TokenVerifier;
use crate::rate_limit::RateLimiter;

/// Cheap to clone; every clone shares the same servers and bounds.
#[derive(Debug, Clone)]
pub(crate) struct AppState(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ApiConfig,
    pub(crate) social: Social,
    pub(crate) events: EventProducer,
    pub(crate) feed: FeedService,
    pub(crate) tokens: TokenVerifier,
    pub(crate) rates: RateLimiter,
    /// One permit for each request being served.
    pub(crate) in_flight: Semaphore,
}

impl AppState {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
