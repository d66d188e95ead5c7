//! `nova projector`: follows the topics beside ClickHouse.

use nova_olap::{Olap, OlapConfig};
use nova_runtime::{ClickHouseConfig, Env, KafkaConfig, Lifecycle, LifecycleConfig};

pub(crate) async fn run(env: &Env) -> anyhow::Result<()> {
    let mut lifecycle = Lifecycle::with_signals()?;
    spawn(env, &mut lifecycle)?;
    Ok(lifecycle.run(LifecycleConfig::from_env(env)?.drain).await?)
}

/// Adds the projector to a process.
pub(crate) fn spawn(env: &Env, lifecycle: &mut Lifecycle) -> anyhow::Result<()> {
    let kafka = KafkaConfig::from_env(env)?;
    let olap = Olap::new(&OlapConfig::from_url(
        ClickHouseConfig::from_env(env)?.url.expose(),
    )?);
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("projector", async move {
        nova_projector::run(&kafka.brokers, olap, shutdown).await
    });
    Ok(())
}
