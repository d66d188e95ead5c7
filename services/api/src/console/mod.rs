//! The development console: one page at `/console` that shows a feed as its viewer gets it, why each post is in it, and
//! how long a like, a follow or a block takes to be seen by somebody else.
//!
//! It hands out tokens for any user to whoever can load the page, so it exists in development only: `NOVA_CONSOLE=on`,
//! with an HS256 secret, on a loopback address ([`ConsoleConfig`]). Off, its paths are as unknown as any other.
//! The page uses the public API with those tokens; only what the API must not tell (users, tokens, the state of this
//! process and its servers) has a route here.

mod config;
mod control;
mod files;
mod guard;
mod people;
mod samples;
mod servers;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use nova_cache::Cache;
use nova_runtime::telemetry::MetricsHandle;
use nova_social::Social;
use tower_http::catch_panic::CatchPanicLayer;

use crate::middleware::{observe, problem_of_panic};

pub use config::ConsoleConfig;

/// What the console reads, beside its configuration.
#[derive(Debug, Clone)]
pub struct Sources {
    /// PostgreSQL: who there is.
    pub social: Social,
    /// Redis: how far the pipeline has come. None where Nova runs without a cache.
    pub cache: Option<Cache>,
    /// The metrics of this process. None where no recorder is installed.
    pub metrics: Option<MetricsHandle>,
}

/// What its handlers share; cheap to clone.
#[derive(Clone)]
struct Console(Arc<Inner>);

struct Inner {
    config: ConsoleConfig,
    sources: Sources,
}

impl std::ops::Deref for Console {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The routes of the console, complete with what surrounds them.
pub(crate) fn router(config: ConsoleConfig, sources: Sources) -> Router {
    let console = Console(Arc::new(Inner { config, sources }));
    Router::new()
        .route("/console", get(files::page))
        .route("/console/", get(files::page))
        .route("/console/{file}", get(files::file))
        .route("/console/api/users", get(people::users))
        .route("/console/api/users/{id}/token", post(people::token))
        .route("/console/api/users/{id}/names", get(people::names))
        .route("/console/api/status", get(status::get))
        .route("/console/api/servers", get(servers::list))
        .route(
            "/console/api/servers/{server}/{fault}",
            post(servers::fault),
        )
        .layer(from_fn_with_state(console.clone(), guard::own_page_only))
        .layer(CatchPanicLayer::custom(problem_of_panic))
        .layer(from_fn(observe))
        .with_state(console)
}

#[cfg(test)]
mod tests;
