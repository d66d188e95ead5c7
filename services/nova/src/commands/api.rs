//! `nova api` and `nova all`: serve HTTP until told to stop.

use anyhow::{Context as _, bail};
use nova_api::{Application, Dependencies};
use nova_olap::Turns;
use nova_runtime::{ApiConfig, AuthConfig, Env, Foreground, HealthCheck, KafkaConfig};
use nova_stream::{EventProducer, ProducerConfig};
use tokio::runtime::Handle;

use crate::commands::backends::Backends;
use crate::commands::{checks, console, jobs, projector, serve};

/// What runs in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Services {
    Api,
    /// The API, the projector and the jobs.
    All,
}

pub(crate) async fn run(env: &Env, services: Services) -> anyhow::Result<()> {
    let mut process = serve::Process::start()?;
    let mut checks = spawn(env, &mut process).await?;
    if services == Services::All {
        checks.push(projector::spawn(env, &mut process)?);
        jobs::spawn(env, &mut process)?;
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
async fn spawn(env: &Env, process: &mut serve::Process) -> anyhow::Result<Vec<HealthCheck>> {
    refuse_borrowed_secret(env)?;
    let auth = AuthConfig::from_env(env)?;
    let config = ApiConfig::from_env(env)?;
    let front = Foreground::start(config.real_time).context("threads for answers")?;
    let dependencies = dependencies(env, &auth, &front, &process.turns)?;
    let checks = checks::of_api(dependencies.social.clone(), dependencies.cache.clone());
    let social = dependencies.social.clone();
    let building = async move { Application::build(&config, &auth, dependencies).await };
    let api = front.handle().spawn(building).await??;
    let api = console::add(api, env, social, process.metrics())?;
    tracing::info!(addr = %api.addr(), "the API is served");
    let shutdown = process.lifecycle.shutdown();
    process.lifecycle.spawn("api", async move {
        // Held until the API has ended.
        front.handle().spawn(api.run_until_stopped(shutdown)).await
    });
    Ok(checks)
}

/// What answers wait for is driven in front; rankings are made on the process's own threads.
fn dependencies(
    env: &Env,
    auth: &AuthConfig,
    front: &Foreground,
    turns: &Turns,
) -> anyhow::Result<Dependencies> {
    let rankings_on = Handle::current();
    let _in_front = front.handle().enter();
    let backends = Backends::from_env(env, "nova api", None, turns)?;
    let events = EventProducer::new(&ProducerConfig::new(KafkaConfig::from_env(env)?.brokers))?;
    Ok(Dependencies {
        events,
        feed: backends.feed(env, auth, Some(rankings_on))?,
        discovery: backends.discovery(env)?,
        social: backends.social,
        cache: Some(backends.cache),
    })
}
