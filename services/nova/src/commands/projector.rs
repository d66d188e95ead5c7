//! `nova projector`: changes of PostgreSQL into Redis, behind ClickHouse.

use std::time::Duration;

use nova_projector::ProjectorConfig;
use nova_runtime::{Env, HealthCheck};

use crate::commands::{backends, checks, serve};

/// How long each question of the projector to ClickHouse gives way to those that a request waits for, at most. Nobody waits for a
/// single change, but all want to see it soon.
const GIVES_WAY: Duration = Duration::from_millis(20);

pub(crate) async fn run(env: &Env) -> anyhow::Result<()> {
    let mut process = serve::Process::start()?;
    let redis = checks::redis(backends::cache(env)?);
    let checks = vec![spawn(env, &mut process)?, redis];
    process.run(env, checks).await
}

/// Adds the projector to a process, and says what it needs to do its work. Its connections are its own: its bulk writes
/// do not wait behind the requests of an API in the same process, nor they behind its; its questions to ClickHouse give way.
pub(crate) fn spawn(env: &Env, process: &mut serve::Process) -> anyhow::Result<HealthCheck> {
    let config = ProjectorConfig::from_env(env)?;
    let olap = backends::olap(env, &process.turns)?.giving_way(GIVES_WAY);
    let cache = backends::cache(env)?;
    let check = checks::clickhouse(olap.clone());
    let shutdown = process.lifecycle.shutdown();
    process.lifecycle.spawn("projector", async move {
        nova_projector::run(config, olap, cache, shutdown).await
    });
    Ok(check)
}
