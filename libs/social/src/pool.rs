//! Connections to PostgreSQL, bounded in number and in time.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// The bounds of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// Most connections held at once (16).
    pub max_connections: u32,
    /// How long a caller waits for a free connection, or for a new one to be made (1 s).
    pub acquire_timeout: Duration,
    /// When the server gives a statement up (2 s).
    pub statement_timeout: Duration,
    /// The name shown in `pg_stat_activity` (`nova`).
    pub application_name: String,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_connections: 16,
            acquire_timeout: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(2),
            application_name: "nova".to_owned(),
        }
    }
}

impl PoolConfig {
    /// Makes a pool for `postgres://user:password@host:port/database`. Connections are made when first needed: a server
    /// that is down shows on the first query.
    ///
    /// # Errors
    /// When the address cannot be parsed.
    pub fn connect_lazy(&self, url: &str) -> Result<PgPool, sqlx::Error> {
        let statement_timeout = self.statement_timeout.as_millis().to_string();
        // Transactions are short and never wait for a client: one left open holds locks and the replication slot back.
        let idle_timeout = (self.statement_timeout * 4).as_millis().to_string();
        let options = PgConnectOptions::from_str(url)?
            .application_name(&self.application_name)
            .options([
                ("statement_timeout", statement_timeout.as_str()),
                ("idle_in_transaction_session_timeout", idle_timeout.as_str()),
            ]);
        Ok(PgPoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(self.acquire_timeout)
            .idle_timeout(Duration::from_secs(600))
            .max_lifetime(Duration::from_secs(1_800))
            .connect_lazy_with(options))
    }
}
