//! Where everything is once it is there.

use std::path::PathBuf;

use serde::Serialize;

use crate::cache::Cache;
use crate::component::Component;
use crate::error::DistError;
use crate::java;

/// Paths of the installed servers. All of them are readable by every user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Installation {
    /// Directory of `initdb`, `pg_ctl` and `postgres`; there is no `psql`.
    pub postgres_bin: PathBuf,
    /// Directory of the jars of Kafka, its tools and Connect; the class path is this with `/*`.
    pub kafka_libs: PathBuf,
    /// Connect's `plugin.path`, with Debezium's connector below it.
    pub connect_plugins: PathBuf,
    /// The ClickHouse engine.
    pub libchdb: PathBuf,
    /// The Redis-compatible server.
    pub valkey_server: PathBuf,
    /// Java 17 or newer, from the machine.
    pub java: PathBuf,
}

impl Installation {
    /// Class path for `java -cp`.
    #[must_use]
    pub fn kafka_classpath(&self) -> String {
        format!("{}/*", self.kafka_libs.display())
    }

    pub(crate) fn locate(cache: &Cache) -> Result<Self, DistError> {
        Ok(Self {
            postgres_bin: cache.directory(Component::Postgres)?.join("bin"),
            kafka_libs: cache.directory(Component::Kafka)?.join("libs"),
            connect_plugins: cache.directory(Component::Debezium)?.join("plugins"),
            libchdb: cache
                .directory(Component::ClickHouse)?
                .join("lib/libchdb.so"),
            valkey_server: cache
                .directory(Component::Valkey)?
                .join("bin/valkey-server"),
            java: java::find()?,
        })
    }
}
