//! What the curves stand on: a stack with people on it, and ways to ask its servers.

use std::sync::Arc;
use std::time::Duration;

use nova_loadtest::people::People;
use nova_loadtest::resources::Watched;
use nova_loadtest::target::Target;
use nova_testbed::Endpoints;
use sqlx::PgPool;

use super::options::Options;
use crate::feed::Common;
use crate::pipeline::connect;
use crate::process::Spent;
use crate::{link, quiet};

/// For so long the servers are watched while nothing is asked.
const IDLE: Duration = Duration::from_secs(5);

/// Servers, people, connections.
#[derive(Debug)]
pub(super) struct Stack<'a> {
    pub(super) options: &'a Options,
    pub(super) endpoints: &'a Endpoints,
    pub(super) processes: Vec<Watched>,
    pub(super) people: &'a People,
    pub(super) pool: PgPool,
    pub(super) common: Common,
    /// What the processes use when nothing is asked.
    pub(super) idle: Spent,
}

impl<'a> Stack<'a> {
    /// Waits until the servers have done with the data.
    pub(super) async fn new(
        options: &'a Options,
        target: &'a Target,
        people: &'a People,
    ) -> anyhow::Result<Self> {
        let endpoints = target.endpoints();
        let processes = target.processes();
        quiet::settle(&processes).await?;
        Ok(Self {
            options,
            endpoints,
            people,
            pool: connect(&endpoints.postgres).await?,
            common: Common {
                checks: Arc::default(),
                redis: link::connect(&endpoints.redis).await?,
            },
            idle: quiet::over(&processes, IDLE).await?,
            processes,
        })
    }
}
