//! `nova api` and `nova all`: serve HTTP until told to stop.

use std::convert::Infallible;

use anyhow::{Context as _, bail};
use nova_api::{Application, Dependencies};
use nova_feed::{FeedConfig, FeedService};
use nova_olap::{Olap, OlapConfig};
use nova_runtime::{
    ApiConfig, AuthConfig, ClickHouseConfig, Env, HealthCheck, KafkaConfig, Lifecycle,
    PostgresConfig,
};
use nova_social::{PoolConfig, Social};
use nova_stream::{EventProducer, ProducerConfig};

use crate::commands::{projector, serve};

/// What runs in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Services {
    Api,
    ApiAndProjector,
}

pub(crate) async fn run(env: &Env, services: Services) -> anyhow::Result<()> {
    let mut process = serve::Process::start()?;
    let mut checks = spawn(env, &mut process.lifecycle).await?;
    if services == Services::ApiAndProjector {
        checks.push(projector::spawn(env, &mut process.lifecycle)?);
    }
    process.run(env, checks).await
}

/// A development stack's secret would make its tokens good here: a server takes it only from a file it was told of.
fn refuse_borrowed_secret(env: &Env) -> anyhow::Result<()> {
    let told = ["NOVA_AUTH_SECRET", "NOVA_AUTH_PUBLIC_KEY", Env::ENDPOINTS];
    if told.iter().all(|name| env.explicit(name).is_none()) {
        bail!("NOVA_AUTH_SECRET: is not set, and neither is NOVA_AUTH_PUBLIC_KEY");
    }
    Ok(())
}

/// Adds the API to the process, and says what it needs to be ready.
async fn spawn(env: &Env, lifecycle: &mut Lifecycle) -> anyhow::Result<Vec<HealthCheck>> {
    let dependencies = dependencies(env)?;
    let checks = nova_api::checks(&dependencies.social);
    refuse_borrowed_secret(env)?;
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
