//! `nova projector`: changes of PostgreSQL into Redis, behind ClickHouse.

use std::time::Duration;

use anyhow::Context as _;
use nova_cache::{Cache, CacheConfig};
use nova_olap::{Olap, OlapConfig};
use nova_projector::ProjectorConfig;
use nova_runtime::{ClickHouseConfig, Env, HealthCheck, Lifecycle, RedisConfig};

use crate::commands::serve;

const CHECK_DEADLINE: Duration = Duration::from_secs(1);

pub(crate) async fn run(env: &Env) -> anyhow::Result<()> {
    let mut process = serve::Process::start()?;
    let cache = cache(env)?;
    let redis = HealthCheck::informative("redis", CHECK_DEADLINE, move || {
        let cache = cache.clone();
        async move { cache.ping().await.map_err(|error| error.to_string()) }
    });
    let checks = vec![spawn(env, &mut process.lifecycle)?, redis];
    process.run(env, checks).await
}

/// Adds the projector to a process, and says what it needs to do its work.
pub(crate) fn spawn(env: &Env, lifecycle: &mut Lifecycle) -> anyhow::Result<HealthCheck> {
    let config = ProjectorConfig::from_env(env)?;
    let clickhouse = ClickHouseConfig::from_env(env)?;
    let olap =
        Olap::new(&OlapConfig::from_url(clickhouse.url.expose()).context("NOVA_CLICKHOUSE_URL")?);
    let cache = cache(env)?;
    let asked = olap.clone();
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("projector", async move {
        nova_projector::run(config, olap, cache, shutdown).await
    });
    Ok(HealthCheck::informative(
        "clickhouse",
        CHECK_DEADLINE,
        move || {
            let olap = asked.clone();
            async move {
                olap.ping(CHECK_DEADLINE)
                    .await
                    .map_err(|error| error.to_string())
            }
        },
    ))
}

/// A connection of the projector's own: its bulk writes do not wait behind the requests of an API in the same process,
/// nor they behind its.
fn cache(env: &Env) -> anyhow::Result<Cache> {
    let url = RedisConfig::from_env(env)?.url;
    Cache::new(&CacheConfig::new(url.expose().clone())).context("NOVA_REDIS_URL")
}
