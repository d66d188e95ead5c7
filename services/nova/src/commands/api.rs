//! `nova api` and `nova all`: serve HTTP until told to stop.

use std::convert::Infallible;

use anyhow::Context as _;
use nova_api::{Application, Dependencies};
use nova_feed::{FeedConfig, FeedService};
use nova_olap::{Olap, OlapConfig};
use nova_runtime::{
    AdminConfig, AdminServer, ApiConfig, AuthConfig, ClickHouseConfig, Env, HealthCheck,
    KafkaConfig, Lifecycle, LifecycleConfig, PostgresConfig, telemetry,
};
use nova_social::{PoolConfig, Social};
use nova_stream::{EventProducer, ProducerConfig};

use crate::commands::projector;

/// What runs in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Services {
    Api,
    ApiAndProjector,
}

pub(crate) async fn run(env: &Env, services: Services) -> anyhow::Result<()> {
    let metrics = telemetry::install_metrics()?;
    let mut lifecycle = Lifecycle::with_signals()?;
    let checks = spawn(env, &mut lifecycle).await?;
    if services == Services::ApiAndProjector {
        projector::spawn(env, &mut lifecycle)?;
    }
    let addr = AdminConfig::from_env(env)?.addr;
    let admin = AdminServer::bind(addr, checks, metrics, lifecycle.shutdown())
        .await
        .with_context(|| format!("NOVA_ADMIN_ADDR: cannot listen on {addr}"))?;
    tracing::info!(addr = %admin.addr(), "health and metrics are served");
    lifecycle.spawn("admin server", admin.run());
    Ok(lifecycle.run(LifecycleConfig::from_env(env)?.drain).await?)
}

/// Adds the API to the process, and says what it needs to be ready.
async fn spawn(env: &Env, lifecycle: &mut Lifecycle) -> anyhow::Result<Vec<HealthCheck>> {
    let dependencies = dependencies(env)?;
    let checks = nova_api::checks(&dependencies.social);
    let api = Application::build(
        &ApiConfig::from_env(env)?,
        &AuthConfig::from_env(env)?,
        dependencies,
    )
    .await?;
    tracing::info!(addr = %api.addr(), "the API is served");
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("api", async move {
        api.run_until_stopped(shutdown).await;
        Ok::<(), Infallible>(())
    });
    Ok(checks)
}

fn dependencies(env: &Env) -> anyhow::Result<Dependencies> {
    let postgres = PostgresConfig::from_env(env)?;
    let pool = PoolConfig {
        max_connections: postgres.max_connections,
        acquire_timeout: postgres.acquire_timeout,
        statement_timeout: postgres.statement_timeout,
        application_name: "nova api".to_owned(),
    }
    .connect_lazy(postgres.url.expose().as_str())
    .context("NOVA_POSTGRES_URL")?;
    let social =
        Social::new(pool).with_deadline(postgres.acquire_timeout + postgres.statement_timeout);

    let clickhouse = ClickHouseConfig::from_env(env)?;
    let olap =
        Olap::new(&OlapConfig::from_url(clickhouse.url.expose()).context("NOVA_CLICKHOUSE_URL")?);
    let feed = FeedService::new(olap, social.clone(), FeedConfig::from_lookup(env.lookup())?)?;

    let events = EventProducer::new(&ProducerConfig::new(KafkaConfig::from_env(env)?.brokers))?;
    Ok(Dependencies {
        social,
        events,
        feed,
    })
}
