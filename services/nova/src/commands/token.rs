//! `nova token`: a bearer token for development.

use anyhow::bail;
use nova_api::auth;
use nova_domain::UserId;
use nova_runtime::{AuthConfig, AuthKey, Env};

/// For whom, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The user's id.
    user: UserId,
    /// How long the token is valid, such as 30m, 12h or 7days.
    #[arg(long, default_value = "24h")]
    ttl: humantime::Duration,
}

/// Prints the token alone, so that `$(nova token USER)` works.
pub(crate) fn run(env: &Env, args: &Args) -> anyhow::Result<()> {
    let AuthConfig { key, audience } = AuthConfig::from_env(env)?;
    let AuthKey::Secret(secret) = key else {
        bail!(
            "tokens are signed with NOVA_AUTH_SECRET; with NOVA_AUTH_PUBLIC_KEY only its owner can sign them"
        );
    };
    println!(
        "{}",
        auth::sign_for(
            secret.expose().as_bytes(),
            args.user,
            args.ttl.into(),
            audience.as_deref()
        )?
    );
    Ok(())
}
