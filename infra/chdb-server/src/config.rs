//! What the server is told at start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::auth::Credentials;

/// Everything that [`crate::Server::start`] needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The shared library, `libchdb.so`.
    pub library: PathBuf,
    /// The data directory; created when missing, used by one process at a time.
    pub data: PathBuf,
    /// A clickhouse-server configuration (XML); `config.d` beside it is read too.
    pub config_file: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who may ask.
    pub credentials: Credentials,
    /// What a request may take.
    pub limits: Limits,
}

/// Bounds of requests. Everything that waits has one.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Statements at a time.
    pub connections: usize,
    /// How long a request waits for a connection before it is answered with 503.
    pub pool_wait: Duration,
    /// The longest time of a statement; `max_execution_time` of a request can only shorten it.
    pub query_timeout: Duration,
    /// The longest pause between two pieces of a request's body.
    pub receive_timeout: Duration,
    /// The largest result, both in the engine's memory and formatted.
    pub max_result_bytes: usize,
    /// The largest body of a request, before decompression.
    pub max_body_bytes: usize,
    /// How long running statements may take to finish when the server stops.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16,
            pool_wait: Duration::from_secs(10),
            query_timeout: Duration::from_secs(600),
            receive_timeout: Duration::from_secs(30),
            max_result_bytes: 256 << 20,
            max_body_bytes: 4 << 30,
            stop_timeout: Duration::from_secs(10),
        }
    }
}
