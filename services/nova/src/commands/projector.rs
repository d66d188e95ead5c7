//! `nova projector`: changes of PostgreSQL into Redis, behind ClickHouse.

use nova_projector::ProjectorConfig;
use nova_runtime::{Env, HealthCheck, Lifecycle};

use crate::commands::{backends, checks, serve};

pub(crate) async fn run(env: &Env) -> anyhow::Result<()> {
    let mut process = serve::Process::start()?;
    let redis = checks::redis(backends::cache(env)?);
    let checks = vec![spawn(env, &mut process.lifecycle)?, redis];
    process.run(env, checks).await
}

/// Adds the projector to a process, and says what it needs to do its work. Its connections are its own: its bulk writes
/// do not wait behind the requests of an API in the same process, nor they behind its.
pub(crate) fn spawn(env: &Env, lifecycle: &mut Lifecycle) -> anyhow::Result<HealthCheck> {
    let config = ProjectorConfig::from_env(env)?;
    let (olap, cache) = (backends::olap(env)?, backends::cache(env)?);
    let check = checks::clickhouse(olap.clone());
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("projector", async move {
        nova_projector::run(config, olap, cache, shutdown).await
    });
    Ok(check)
}
