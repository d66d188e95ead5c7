//! `nova projector`: follows the topics beside ClickHouse.

use std::time::Duration;

use nova_olap::{Olap, OlapConfig};
use nova_runtime::{ClickHouseConfig, Env, HealthCheck, KafkaConfig, Lifecycle};

use crate::commands::serve;

const CHECK_DEADLINE: Duration = Duration::from_secs(1);

pub(crate) async fn run(env: &Env) -> anyhow::Result<()> {
    let mut process = serve::Process::start()?;
    let checks = vec![spawn(env, &mut process.lifecycle)?];
    process.run(env, checks).await
}

/// Adds the projector to a process, and says what it needs to do its work.
pub(crate) fn spawn(env: &Env, lifecycle: &mut Lifecycle) -> anyhow::Result<HealthCheck> {
    let kafka = KafkaConfig::from_env(env)?;
    let olap = Olap::new(&OlapConfig::from_url(
        ClickHouseConfig::from_env(env)?.url.expose(),
    )?);
    let asked = olap.clone();
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("projector", async move {
        nova_projector::run(&kafka.brokers, olap, shutdown).await
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
