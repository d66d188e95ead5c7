//! Where the servers are.

use std::time::Duration;

use crate::env::{ConfigError, Env};
use crate::secret::{Secret, SecretUrl};

/// PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// `NOVA_POSTGRES_URL`, `postgres://user:password@host:port/nova`.
    pub url: SecretUrl,
    /// `NOVA_POSTGRES_MAX_CONNECTIONS` (default 16): the bound of this process's pool.
    pub max_connections: u32,
    /// `NOVA_POSTGRES_ACQUIRE_TIMEOUT_MS` (default 1,000): how long a request waits for a free connection.
    pub acquire_timeout: Duration,
    /// `NOVA_POSTGRES_STATEMENT_TIMEOUT_MS` (default 2,000): when the server gives a statement up.
    pub statement_timeout: Duration,
}

impl PostgresConfig {
    /// Reads `NOVA_POSTGRES_*`.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            url: env.required_url("NOVA_POSTGRES_URL", &["postgres", "postgresql"])?,
            max_connections: env.number_or("NOVA_POSTGRES_MAX_CONNECTIONS", 16, 1..=1_000)?,
            acquire_timeout: env
                .millis_or("NOVA_POSTGRES_ACQUIRE_TIMEOUT_MS", Duration::from_secs(1))?,
            statement_timeout: env
                .millis_or("NOVA_POSTGRES_STATEMENT_TIMEOUT_MS", Duration::from_secs(2))?,
        })
    }
}

/// The role that Debezium reads PostgreSQL with.
#[derive(Debug, Clone)]
pub struct CdcConfig {
    /// `NOVA_CDC_PASSWORD`.
    pub password: Secret,
}

impl CdcConfig {
    /// The replication role.
    pub const USER: &str = "nova_cdc";

    /// Reads `NOVA_CDC_*`.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let variable = "NOVA_CDC_USER";
        // The connector reads it; the role itself is made by a migration.
        if env.get(variable).is_some_and(|user| user != Self::USER) {
            let reason = format!(
                "must be {}, the role that the migrations create",
                Self::USER
            );
            return Err(ConfigError::new(variable, reason));
        }
        Ok(Self {
            password: Secret::new(env.required("NOVA_CDC_PASSWORD")?),
        })
    }
}

/// ClickHouse's HTTP interface.
#[derive(Debug, Clone)]
pub struct ClickHouseConfig {
    /// `NOVA_CLICKHOUSE_URL`, `http://user:password@host:8123`, with a path: of that database.
    pub url: SecretUrl,
}

impl ClickHouseConfig {
    /// Reads `NOVA_CLICKHOUSE_URL`.
    ///
    /// # Errors
    /// When it is missing or no HTTP address.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let url = env.required_url("NOVA_CLICKHOUSE_URL", &["http", "https"])?;
        Ok(Self { url })
    }
}

/// Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// `NOVA_KAFKA_BROKERS`, `host:port,…`.
    pub brokers: String,
}

impl KafkaConfig {
    /// Reads `NOVA_KAFKA_BROKERS`.
    ///
    /// # Errors
    /// When it is missing or not a list of `host:port`.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let variable = "NOVA_KAFKA_BROKERS";
        let brokers = env.required(variable)?;
        for broker in brokers.split(',') {
            let port = broker
                .trim()
                .rsplit_once(':')
                .filter(|(host, _)| !host.is_empty());
            if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
                return Err(ConfigError::new(
                    variable,
                    format!("`{broker}` is not host:port"),
                ));
            }
        }
        Ok(Self {
            brokers: brokers.to_owned(),
        })
    }
}

/// The REST interface of Kafka Connect.
#[derive(Debug, Clone)]
pub struct ConnectConfig {
    /// `NOVA_CONNECT_URL`, `http://host:8083`.
    pub url: SecretUrl,
}

impl ConnectConfig {
    /// Reads `NOVA_CONNECT_URL`.
    ///
    /// # Errors
    /// When it is missing or no HTTP address.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let url = env.required_url("NOVA_CONNECT_URL", &["http", "https"])?;
        Ok(Self { url })
    }
}

/// Redis.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `NOVA_REDIS_URL`, `redis://…`.
    pub url: SecretUrl,
}

impl RedisConfig {
    /// Reads `NOVA_REDIS_URL`.
    ///
    /// # Errors
    /// When it is missing or of another scheme.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let url = env.required_url("NOVA_REDIS_URL", &["redis", "rediss"])?;
        Ok(Self { url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_has_bounds_by_default() {
        let env = Env::from_pairs([("NOVA_POSTGRES_URL", "postgres://nova:hush@db:5432/nova")]);
        let config = PostgresConfig::from_env(&env).unwrap();
        assert_eq!(
            (config.max_connections, config.statement_timeout),
            (16, Duration::from_secs(2))
        );
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn brokers_are_host_and_port() {
        let read =
            |text: &str| KafkaConfig::from_env(&Env::from_pairs([("NOVA_KAFKA_BROKERS", text)]));
        assert!(read("a:9092,b:9093").is_ok());
        assert!(read("[::1]:9092").is_ok());
        for bad in ["", "a", "a:", ":9092", "a:9092,,b:1", "a:99999"] {
            assert_eq!(
                read(bad).unwrap_err().variable,
                "NOVA_KAFKA_BROKERS",
                "{bad}"
            );
        }
    }

    #[test]
    fn the_replication_password_is_required_and_hidden() {
        assert_eq!(
            CdcConfig::from_env(&Env::default()).unwrap_err().variable,
            "NOVA_CDC_PASSWORD"
        );
        let config =
            CdcConfig::from_env(&Env::from_pairs([("NOVA_CDC_PASSWORD", "hush")])).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
        let other = Env::from_pairs([("NOVA_CDC_PASSWORD", "hush"), ("NOVA_CDC_USER", "other")]);
        assert_eq!(
            CdcConfig::from_env(&other).unwrap_err().variable,
            "NOVA_CDC_USER"
        );
    }
}
