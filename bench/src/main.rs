//! `just bench`: what Nova costs beside floors and alternatives, what it takes in, and how that grows.

use std::process::ExitCode;

use clap::Parser as _;
use nova_bench::options::{Options, What};
use nova_bench::{alternatives, growth, ingest};
use nova_runtime::{Env, LogConfig, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    match bench(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(options: Options) -> anyhow::Result<()> {
    telemetry::init_logging(&LogConfig::from_env(&Env::from_pairs([(
        "NOVA_LOG", "warn",
    )]))?)?;
    match options.what {
        What::Alternatives(options) => alternatives::run(options).await,
        What::Ingest(options) => ingest::run(options).await,
        What::Growth(options) => Box::pin(growth::run(options)).await,
        What::Serve(options) => alternatives::serve(options).await,
    }
}
