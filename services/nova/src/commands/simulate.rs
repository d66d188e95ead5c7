//! `nova simulate`: a population that uses the API, or one that is there at once.

mod bulk;

use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use nova_runtime::{AuthConfig, AuthKey, Env};
use nova_simulate::SimulateOptions;
use nova_simulate::bulk::Scale;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Who, how fast, how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The API's base URL [default: NOVA_API_URL, else http://NOVA_API_ADDR].
    #[arg(long)]
    api: Option<Url>,
    /// Users of the population.
    #[arg(long, value_name = "N", default_value_t = 200)]
    users: usize,
    /// Requests a second; 0 is as fast as it goes.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// The same seed gives the same population and the same plans.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds to run once the population is there [default: until Ctrl-C].
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,
    /// Create users, follows and first posts, and end.
    #[arg(long)]
    bootstrap: bool,
    /// Take the population as it is: it was created by an earlier run of the same size.
    #[arg(long, conflicts_with = "bootstrap")]
    no_bootstrap: bool,
    /// Posts made while the population is created [default: two for each user].
    #[arg(long, value_name = "N")]
    first_posts: Option<usize>,
    /// Requests under way at once.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
    /// Seconds that a day takes: people post by day.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    day: u64,
    /// No counts while it runs.
    #[arg(long, short)]
    quiet: bool,
    /// Load a population with seven days of history into empty databases and end: S (10 k users, 200 k posts, 2 M likes)
    /// through the change stream, M (200 k, 2 M, 20 M) and L (1 M, 10 M, 100 M) beside it, or several or a part of these,
    /// such as 4M, S/10 or 3L/4. What broke off goes on when it is repeated.
    #[arg(long, value_name = "S|M|L", conflicts_with_all = [
        "api", "users", "rate", "duration", "bootstrap", "no_bootstrap", "first_posts", "concurrency", "day",
    ])]
    scale: Option<Scale>,
    /// Load beside the change stream whatever the scale: S within a minute.
    #[arg(long, requires = "scale")]
    beside: bool,
    /// The time before which everything happened [default: now].
    #[arg(long, value_name = "RFC 3339", requires = "scale")]
    base_time: Option<DateTime<Utc>>,
    /// Load although there are posts already; needs a seed that was not loaded before.
    #[arg(long, requires = "scale")]
    append: bool,
}

pub(crate) async fn run(env: &Env, args: &Args) -> anyhow::Result<()> {
    if let Some(scale) = args.scale {
        let bulk = bulk::Bulk {
            scale,
            beside: args.beside,
            seed: args.seed,
            base_time: args.base_time,
            append: args.append,
            quiet: args.quiet,
        };
        return bulk::run(env, &bulk).await;
    }
    let auth = AuthConfig::from_env(env)?;
    let AuthKey::Secret(secret) = &auth.key else {
        bail!("NOVA_AUTH_SECRET is needed to make the tokens of simulated users");
    };
    let api = match &args.api {
        Some(url) => url.clone(),
        None => default_api(env)?,
    };
    let mut options = SimulateOptions::new(api, secret.expose());
    options.audience = auth.audience.clone();
    options.users = args.users;
    options.rate = args.rate;
    options.seed = args.seed;
    options.duration = match args.bootstrap {
        true => Some(Duration::ZERO),
        false => args.duration.map(Duration::from_secs),
    };
    options.bootstrap = !args.no_bootstrap;
    options.first_posts = args.first_posts.unwrap_or(args.users * 2);
    options.concurrency = args.concurrency;
    options.day = Duration::from_secs(args.day.max(1));
    options.quiet = args.quiet;

    let stop = CancellationToken::new();
    let interrupt = stop.clone();
    let signal = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupt.cancel();
        }
    });
    let summary = nova_simulate::run(&options, stop).await?;
    signal.abort();
    println!("{summary}");
    if summary.succeeded() == 0 && summary.failed() > 0 {
        bail!("no request succeeded: is the API at {}?", options.api);
    }
    Ok(())
}

/// Where the API is, as the environment has it.
pub(crate) fn default_api(env: &Env) -> anyhow::Result<Url> {
    if let Some(url) = env.get("NOVA_API_URL") {
        return url
            .parse()
            .with_context(|| format!("NOVA_API_URL: `{url}` is no URL"));
    }
    let addr = env.get("NOVA_API_ADDR").unwrap_or("127.0.0.1:8080");
    format!("http://{addr}")
        .parse()
        .with_context(|| format!("NOVA_API_ADDR: `{addr}` is not host:port"))
}
