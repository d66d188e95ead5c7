//! The one binary of Nova: reads the environment, sets up logging, and runs a subcommand.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nova_runtime::{Env, LogConfig, telemetry};

use crate::commands::api::{self, Services};
use crate::commands::{
    connector, explain, import, jobs, migrate, openapi, projector, simulate, token,
};

/// A page is hundreds of small blocks that come and go: the C library's allocator took a seventh of a hit.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The feed backend: PostgreSQL to Debezium to Kafka to ClickHouse, ranked and served.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the HTTP API.
    Api,
    /// Follow the topics beside ClickHouse.
    Projector,
    /// Run the scheduled jobs, or one of them once.
    Jobs(jobs::Args),
    /// Everything that runs for long, in one process.
    All,
    /// Bring PostgreSQL, the topics and ClickHouse to the schema of this release.
    Migrate(migrate::Args),
    /// Deploy the Debezium connector, or look at it.
    Connector(connector::Args),
    /// Print the document of the HTTP API (OpenAPI 3.1).
    Openapi,
    /// Print a bearer token for development.
    Token(token::Args),
    /// Say why a user's feed is as it is.
    Explain(explain::Args),
    /// Read users, follows, posts, likes, comments and events from files.
    Import(import::Args),
    /// Let a population of simulated users use the API.
    Simulate(simulate::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nova: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    let env = Env::from_process()?;
    telemetry::init_logging(&LogConfig::from_env(&env)?)?;
    match command {
        Command::Api => api::run(&env, Services::Api).await,
        Command::Projector => projector::run(&env).await,
        Command::Jobs(args) => jobs::run(&env, &args).await,
        Command::All => api::run(&env, Services::All).await,
        Command::Migrate(args) => migrate::run(&env, &args).await,
        Command::Connector(args) => connector::run(&env, &args).await,
        Command::Openapi => openapi::run(),
        Command::Token(args) => token::run(&env, &args),
        Command::Explain(args) => explain::run(&env, &args).await,
        Command::Import(args) => import::run(&env, &args).await,
        Command::Simulate(args) => simulate::run(&env, &args).await,
    }
}
