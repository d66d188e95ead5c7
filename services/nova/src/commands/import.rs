//! `nova import`: real data into PostgreSQL and the event stream.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nova_import::{CofactsOptions, Format, ImportError, Options, detect_format};
use nova_runtime::{Env, KafkaConfig, PostgresConfig};
use nova_social::PoolConfig;
use nova_social::bulk::Bulk;
use nova_stream::{EventProducer, ProducerConfig};

/// A batch of some thousand rows; far more than it needs.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// What to read and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder: users.jsonl, follows.jsonl, … or .csv, or the zipped files of cofacts.
    path: PathBuf,
    /// jsonl, csv or cofacts; found out by the files' names if left out.
    #[arg(long)]
    format: Option<Format>,
    /// Pass over bad lines and count them, instead of stopping before anything of their file is written.
    #[arg(long)]
    skip_bad: bool,
    /// How many bad lines of a file to tell one by one.
    #[arg(long, value_name = "N", default_value_t = 20)]
    show_bad: usize,
    /// Move all times so that the newest becomes now. A second run takes over the shift of the first.
    #[arg(long)]
    shift_to_now: bool,
    /// Keeps the keys of different sources apart; part of every derived id.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// cofacts: turn the reason of a request for a reply into a comment on each post of the article.
    #[arg(long)]
    with_reasons: bool,
    /// cofacts: derive follows, which it lacks: of every author from the N-th liked post on.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "3",
          value_parser = clap::value_parser!(u32).range(1..))]
    derive_follows: Option<u32>,
    /// No progress.
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) async fn run(env: &Env, args: &Args) -> anyhow::Result<()> {
    let Some(format) = args.format.or_else(|| detect_format(&args.path)) else {
        bail!(
            "{}: holds no file that can be imported",
            args.path.display()
        );
    };
    if format != Format::Cofacts && (args.with_reasons || args.derive_follows.is_some()) {
        bail!("--with-reasons and --derive-follows are for --format cofacts");
    }
    let options = Options {
        path: args.path.clone(),
        format,
        namespace: args.namespace.clone(),
        skip_bad: args.skip_bad,
        shift_to_now: args.shift_to_now,
        show_bad: args.show_bad,
        quiet: args.quiet,
        cofacts: CofactsOptions {
            with_reasons: args.with_reasons,
            derive_follows: args.derive_follows,
        },
    };
    let postgres = PostgresConfig::from_env(env)?;
    let pool = PoolConfig {
        max_connections: 2,
        acquire_timeout: Duration::from_secs(10),
        statement_timeout: STATEMENT_TIMEOUT,
        application_name: "nova import".to_owned(),
    }
    .connect_lazy(postgres.url.expose().as_str())?;
    // Kafka is needed for events alone: a source without them is imported without it.
    let events = match env.get("NOVA_KAFKA_BROKERS") {
        Some(_) => {
            let kafka = KafkaConfig::from_env(env)?;
            Some(EventProducer::new(&ProducerConfig::new(kafka.brokers))?)
        }
        None => None,
    };
    let summary = match nova_import::run(&options, Bulk::new(pool), events).await {
        Ok(summary) => summary,
        Err(error) => {
            return match error {
                ImportError::BadLines { ref summary, .. } => {
                    println!("{summary}");
                    Err(error.into())
                }
                ImportError::Read(_) | ImportError::NoKafka => Err(error.into()),
                other => {
                    Err(other).context("the import broke off; run again, it goes on from there")
                }
            };
        }
    };
    println!("{summary}");
    Ok(())
}
