//! What is loaded: somebody's data, or a simulated population.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nova_import::{CofactsOptions, Format, Kind, Options, detect_format};
use nova_simulate::SimulateOptions;
use nova_social::bulk::Bulk;
use nova_stream::{EventProducer, ProducerConfig};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::DemoArgs;
use super::client::Client;

/// Posts of a simulated population for each of its users, before it is let loose.
const FIRST_POSTS: usize = 2;
/// Requests a second once the population is there: what leaves a small machine room for the pipeline.
const RATE: f64 = 60.0;
/// Bad lines told one by one; all are counted.
const SHOW_BAD: usize = 3;
/// A follow is derived from this many likes of one author.
const LIKES_OF_A_FOLLOW: u32 = 3;

#[derive(Debug)]
pub(super) enum Data {
    Files { folder: PathBuf, format: Format },
    Simulation { users: usize, seconds: u64 },
}

impl Data {
    pub(super) fn find(arguments: &DemoArgs) -> anyhow::Result<Self> {
        let Some(folder) = &arguments.data else {
            return Ok(Self::Simulation {
                users: usize::try_from(arguments.users)?,
                seconds: arguments.seconds,
            });
        };
        let Some(format) = detect_format(folder) else {
            bail!(
                "{}: no folder with users.jsonl, posts.csv or the like, or the files of cofacts",
                folder.display()
            );
        };
        let folder = folder.clone();
        Ok(Self::Files { folder, format })
    }

    /// Loads it and returns how many client events Kafka took.
    pub(super) async fn load(&self, client: &Client) -> anyhow::Result<u64> {
        match self {
            Self::Files { folder, format } => import(client, folder, *format).await,
            Self::Simulation { users, seconds } => simulate(client, *users, *seconds).await,
        }
    }
}

async fn import(client: &Client, folder: &Path, format: Format) -> anyhow::Result<u64> {
    let mut options = Options::new(folder, format);
    options.skip_bad = true;
    options.shift_to_now = true;
    options.show_bad = SHOW_BAD;
    println!(
        "{format} files of {}; times are moved so that the newest is now.",
        folder.display()
    );
    if format == Format::Cofacts {
        options.cofacts = CofactsOptions {
            derive_follows: Some(LIKES_OF_A_FOLLOW),
            with_reasons: false,
        };
        println!(
            "The data has no follows. They are derived: of every author of whom a user liked {LIKES_OF_A_FOLLOW} posts."
        );
    }
    let events = EventProducer::new(&ProducerConfig::new(client.endpoints.kafka.clone()))?;
    let summary =
        nova_import::run(&options, Bulk::new(client.postgres.clone()), Some(events)).await?;
    println!("\n{summary}");
    if summary.of(Kind::Posts).written == 0 {
        bail!("no post was imported");
    }
    Ok(summary.of(Kind::Events).written)
}

async fn simulate(client: &Client, users: usize, seconds: u64) -> anyhow::Result<u64> {
    println!("No data was named: {users} simulated users use the API for {seconds} s.");
    let api = Url::parse(&client.endpoints.api).context("the API's address")?;
    let mut options = SimulateOptions::new(api, client.endpoints.auth_secret.clone());
    options.users = users;
    options.first_posts = users * FIRST_POSTS;
    options.rate = RATE;
    options.concurrency = 4;
    options.duration = Some(Duration::from_secs(seconds));
    let summary = nova_simulate::run(&options, CancellationToken::new()).await?;
    println!("\n{summary}");
    if summary.failed() > 0 {
        bail!("{} requests of the simulation failed", summary.failed());
    }
    Ok(summary.events.values().sum())
}
