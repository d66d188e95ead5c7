//! `nova connector`: the Debezium connector on Kafka Connect.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use nova_runtime::{ConnectConfig, Env};
use nova_stream::connector::{ConnectClient, DEFINITION, Definition};

/// What to do with the connector.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
    /// Another definition than this release's connectors/debezium-postgres-connector.json.
    #[arg(long, global = true)]
    file: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Create or update it, and wait until connector and task run; a failed task is restarted.
    Apply {
        /// Seconds to wait for connector and task.
        #[arg(long, default_value_t = 60)]
        wait: u64,
    },
    /// Print the state of connector and task; exits with 1 unless both run.
    Status,
}

pub(crate) async fn run(env: &Env, args: &Args) -> anyhow::Result<()> {
    let definition = match &args.file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading {}", path.display()))?;
            Definition::parse(&text).with_context(|| path.display().to_string())?
        }
        None => Definition::parse(DEFINITION)?,
    };
    let client = ConnectClient::new(ConnectConfig::from_env(env)?.url.expose().clone())?;
    match args.action {
        Action::Apply { wait } => {
            let applied = client.apply(&definition, Duration::from_secs(wait)).await?;
            let verb = if applied.created {
                "created"
            } else {
                "updated"
            };
            println!("{}: {verb}, {} restarts", applied.status, applied.restarts);
        }
        Action::Status => {
            let status = client.status(&definition.name).await?;
            println!("{status}");
            if !status.is_running() {
                bail!("the connector is not running");
            }
        }
    }
    Ok(())
}
