//! The binary: flags, log, signals.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use nova_chdb_server::{Config, Credentials, Limits, Server};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// How long threads of the runtime may take to end. One with a statement that would not stop never does.
const THREADS_WAIT: Duration = Duration::from_secs(1);

/// The ClickHouse HTTP interface in front of libchdb, for development and CI.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The shared library libchdb.so (`nova-dist fetch` brings it).
    #[arg(long, env = "NOVA_CHDB_LIB", value_name = "PATH")]
    lib: PathBuf,
    /// Where to listen; port 0 takes a free one, which the first line on stdout says.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The data directory; one process at a time.
    #[arg(long, value_name = "DIR")]
    path: PathBuf,
    /// A clickhouse-server configuration (XML).
    #[arg(long, value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// The user that may ask.
    #[arg(long, env = "NOVA_CHDB_USER", default_value = "default")]
    user: String,
    /// The user's password, better given by the variable: other users of the machine see command lines.
    #[arg(
        long,
        env = "NOVA_CHDB_PASSWORD",
        default_value = "",
        hide_env_values = true
    )]
    password: String,
    /// Statements at a time.
    #[arg(long, default_value_t = Limits::default().connections, value_parser = connections)]
    connections: usize,
    /// How long a request waits for a free connection before it is answered with 503.
    #[arg(long, default_value_t = millis(Limits::default().pool_wait), value_name = "MS")]
    pool_wait_ms: u64,
    /// The longest time of a statement.
    #[arg(long, default_value_t = millis(Limits::default().query_timeout), value_name = "MS")]
    query_timeout_ms: u64,
    /// The longest pause in the body of a request.
    #[arg(long, default_value_t = millis(Limits::default().receive_timeout), value_name = "MS")]
    receive_timeout_ms: u64,
    /// The largest result.
    #[arg(long, default_value_t = Limits::default().max_result_bytes, value_name = "BYTES")]
    max_result_bytes: usize,
    /// The largest body of a request, as sent.
    #[arg(long, default_value_t = Limits::default().max_body_bytes, value_name = "BYTES")]
    max_body_bytes: usize,
    /// How long running statements may take to finish when the server is told to stop.
    #[arg(long, default_value_t = millis(Limits::default().stop_timeout), value_name = "MS")]
    stop_timeout_ms: u64,
    /// A file that gets the address when the server listens.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Each running statement holds a thread: as many as the runtime has, less a few of its own.
fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=256) => Ok(count),
        _ => Err("a number from 1 to 256".to_owned()),
    }
}

impl Arguments {
    fn config(self) -> Config {
        Config {
            library: self.lib,
            data: self.path,
            config_file: self.config_file,
            listen: self.listen,
            credentials: Credentials {
                user: self.user,
                password: self.password,
            },
            limits: Limits {
                connections: self.connections,
                pool_wait: Duration::from_millis(self.pool_wait_ms),
                query_timeout: Duration::from_millis(self.query_timeout_ms),
                receive_timeout: Duration::from_millis(self.receive_timeout_ms),
                max_result_bytes: self.max_result_bytes,
                max_body_bytes: self.max_body_bytes,
                stop_timeout: Duration::from_millis(self.stop_timeout_ms),
            },
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("NOVA_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| {
            let result = runtime.block_on(serve(arguments));
            // Dropping the runtime would wait for its threads without a bound.
            runtime.shutdown_timeout(THREADS_WAIT);
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nova-chdb-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    // Before the engine starts, so that a signal during a long start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let ready_file = arguments.ready_file.clone();
    let server = Server::start(arguments.config()).await?;
    let address = server.address();
    println!("listening on http://{address}");
    std::io::stdout().flush()?;
    if let Some(file) = ready_file {
        announce(&file, address).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(server.run(stop).await?)
}

/// Written beside and renamed: who sees the file sees the whole address.
fn announce(file: &Path, address: SocketAddr) -> std::io::Result<()> {
    let partial = file.with_extension("partial");
    std::fs::write(&partial, format!("http://{address}\n"))?;
    std::fs::rename(partial, file)
}
