//! The servers a stack is made of.

use std::{fmt, str::FromStr};

/// One server of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Server {
    /// PostgreSQL, where people's writes go.
    Postgres,
    /// The Kafka broker (KRaft, one node).
    Kafka,
    /// The Kafka Connect worker with the Debezium plugin.
    Connect,
    /// ClickHouse.
    ClickHouse,
    /// The server of the Redis protocol.
    Redis,
    /// Nova's own process, `nova all`.
    Nova,
}

impl Server {
    /// Every server, in the order in which they depend on each other.
    pub const ALL: [Self; 6] = [
        Self::Postgres,
        Self::Kafka,
        Self::Redis,
        Self::ClickHouse,
        Self::Connect,
        Self::Nova,
    ];

    /// The five servers that Nova stands on.
    pub const BACKENDS: [Self; 5] = [
        Self::Postgres,
        Self::Kafka,
        Self::Redis,
        Self::ClickHouse,
        Self::Connect,
    ];

    /// The name used on command lines, for log files and for data folders.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
            Self::Connect => "connect",
            Self::ClickHouse => "clickhouse",
            Self::Redis => "redis",
            Self::Nova => "nova",
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no server of the stack.
#[derive(Debug, thiserror::Error)]
#[error(
    "no server is called {0:?}; there are postgres, kafka, redis, clickhouse, connect and nova"
)]
pub struct UnknownServer(String);

impl FromStr for Server {
    type Err = UnknownServer;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|server| server.name() == name)
            .ok_or_else(|| UnknownServer(name.to_owned()))
    }
}
