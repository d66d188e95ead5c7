//! The development console, where it was asked for.

use nova_api::Application;
use nova_api::console::{ConsoleConfig, Sources};
use nova_runtime::telemetry::MetricsHandle;
use nova_runtime::{ApiConfig, AuthConfig, Env};
use nova_social::Social;

use crate::commands::backends;

/// Adds the console to the API with `NOVA_CONSOLE=on`; fails where there must be none.
pub(crate) fn add(
    api: Application,
    env: &Env,
    social: Social,
    metrics: MetricsHandle,
) -> anyhow::Result<Application> {
    let (listener, auth) = (ApiConfig::from_env(env)?, AuthConfig::from_env(env)?);
    let Some(config) = ConsoleConfig::from_env(env, &listener, &auth)? else {
        return Ok(api);
    };
    // A connection of its own: what the page asks of Redis does not wait behind feeds.
    let cache = Some(backends::cache(env)?);
    let sources = Sources {
        social,
        cache,
        metrics: Some(metrics),
    };
    Ok(api.with_console(config, sources))
}
