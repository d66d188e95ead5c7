//! `nova api` and `nova all`: serve HTTP until told to stop.

use std::convert::Infallible;

use anyhow::bail;
use nova_api::{Application, Dependencies};
use nova_runtime::{ApiConfig, AuthConfig, Env, HealthCheck, KafkaConfig};
use nova_stream::{EventProducer, ProducerConfig};

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
        checks.push(projector::spawn(env, &mut process.lifecycle)?);
        jobs::spawn(env, &mut process.lifecycle)?;
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
    let dependencies = dependencies(env, &auth)?;
    let checks = checks::of_api(dependencies.social.clone(), dependencies.cache.clone());
    let social = dependencies.social.clone();
    let api = Application::build(&ApiConfig::from_env(env)?, &auth, dependencies).await?;
    let api = console::add(api, env, social, process.metrics())?;
    tracing::info!(addr = %api.addr(), "the API is served");
    let shutdown = process.lifecycle.shutdown();
    process.lifecycle.spawn("api", async move {
        api.run_until_stopped(shutdown).await;
        Ok::<(), Infallible>(())
    });
    Ok(checks)
}

fn dependencies(env: &Env, auth: &AuthConfig) -> anyhow::Result<Dependencies> {
    let backends = Backends::from_env(env, "nova api", None)?;
    let events = EventProducer::new(&ProducerConfig::new(KafkaConfig::from_env(env)?.brokers))?;
    Ok(Dependencies {
        events,
        feed: backends.feed(env, auth)?,
        discovery: backends.discovery(env)?,
        social: backends.social,
        cache: Some(backends.cache),
    })
}
