//! How a process listens, logs and stops.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::env::{ConfigError, Env};

/// The listener of the HTTP API and its bounds.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// `NOVA_API_ADDR` (default 127.0.0.1:8080); port 0 takes a free one.
    pub addr: SocketAddr,
    /// `NOVA_API_REQUEST_TIMEOUT_MS` (default 10,000): a request not answered by then gets a 503.
    pub request_timeout: Duration,
    /// `NOVA_API_BODY_TIMEOUT_MS` (default 5,000): a body that has not arrived by then gets a 408.
    pub body_timeout: Duration,
    /// `NOVA_API_MAX_BODY_BYTES` (default 65,536).
    pub max_body_bytes: usize,
    /// `NOVA_API_MAX_EVENTS_BODY_BYTES` (default 524,288): the limit of a batch of events.
    pub max_events_body_bytes: usize,
    /// `NOVA_API_MAX_IN_FLIGHT` (default 512): requests served at once; more get a 503 at once.
    pub max_in_flight: usize,
    /// `NOVA_API_MAX_CONNECTIONS` (default 4,096): connections held open; more wait in the listener's queue.
    pub max_connections: usize,
    /// `NOVA_API_RATE_PER_SECOND` (default 100): what one user may ask on the long run.
    pub rate_per_second: u32,
    /// `NOVA_API_RATE_BURST` (default 200): what one user may ask at once.
    pub rate_burst: u32,
    /// `NOVA_API_RATE_USERS` (default 100,000): users whose rate is remembered; the least active are forgotten.
    pub rate_users: u64,
    /// `NOVA_API_REAL_TIME` (default off): the threads that answer requests are real-time, where that is permitted. For a machine
    /// that Nova shares with its databases.
    pub real_time: bool,
}

impl ApiConfig {
    /// Reads `NOVA_API_*`.
    ///
    /// # Errors
    /// Names the variable that cannot be used.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            addr: env.parse_or("NOVA_API_ADDR", local(8080))?,
            request_timeout: env
                .millis_or("NOVA_API_REQUEST_TIMEOUT_MS", Duration::from_secs(10))?,
            body_timeout: env.millis_or("NOVA_API_BODY_TIMEOUT_MS", Duration::from_secs(5))?,
            max_body_bytes: env.number_or("NOVA_API_MAX_BODY_BYTES", 64 << 10, 1_024..=16 << 20)?,
            max_events_body_bytes: env.number_or(
                "NOVA_API_MAX_EVENTS_BODY_BYTES",
                512 << 10,
                1_024..=16 << 20,
            )?,
            max_in_flight: env.number_or("NOVA_API_MAX_IN_FLIGHT", 512, 1..=100_000)?,
            max_connections: env.number_or("NOVA_API_MAX_CONNECTIONS", 4_096, 1..=1_000_000)?,
            rate_per_second: env.number_or("NOVA_API_RATE_PER_SECOND", 100, 1..=1_000_000)?,
            rate_burst: env.number_or("NOVA_API_RATE_BURST", 200, 1..=1_000_000)?,
            rate_users: env.number_or("NOVA_API_RATE_USERS", 100_000, 1..=10_000_000)?,
            real_time: env.switch_or("NOVA_API_REAL_TIME", false)?,
        })
    }
}

/// The listener of health and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    /// `NOVA_ADMIN_ADDR` (default 127.0.0.1:9090); port 0 takes a free one.
    pub addr: SocketAddr,
}

impl AdminConfig {
    /// Reads `NOVA_ADMIN_ADDR`.
    ///
    /// # Errors
    /// When it is not `address:port`.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let addr = env.parse_or("NOVA_ADMIN_ADDR", local(9090))?;
        Ok(Self { addr })
    }
}

/// How a process stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleConfig {
    /// `NOVA_DRAIN_TIMEOUT_MS` (default 10,000): how long work under way may take after the signal to stop.
    pub drain: Duration,
}

impl LifecycleConfig {
    /// Reads `NOVA_DRAIN_TIMEOUT_MS`.
    ///
    /// # Errors
    /// When it is not a number of milliseconds.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let drain = env.millis_or("NOVA_DRAIN_TIMEOUT_MS", Duration::from_secs(10))?;
        Ok(Self { drain })
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors: one JSON object a line.
    Json,
}

/// What is logged, and how. Logs go to stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `NOVA_LOG`, a filter of `tracing-subscriber` (default [`LogConfig::DEFAULT_FILTER`]).
    pub filter: String,
    /// `NOVA_LOG_FORMAT`, `text` (default) or `json`.
    pub format: LogFormat,
}

impl LogConfig {
    /// The Kafka client tells every failed attempt to connect, several lines each: what matters of it, Nova tells itself.
    pub const DEFAULT_FILTER: &str = "info,librdkafka=off,rdkafka=warn,sqlx=warn";

    /// Reads `NOVA_LOG` and `NOVA_LOG_FORMAT`.
    ///
    /// # Errors
    /// When the format is another word.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let format = match env.get("NOVA_LOG_FORMAT") {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(_) => return Err(ConfigError::new("NOVA_LOG_FORMAT", "must be text or json")),
        };
        Ok(Self {
            filter: env
                .get("NOVA_LOG")
                .unwrap_or(Self::DEFAULT_FILTER)
                .to_owned(),
            format,
        })
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_environment_is_a_development_machine() {
        let env = Env::default();
        let api = ApiConfig::from_env(&env).unwrap();
        assert_eq!(api.addr.to_string(), "127.0.0.1:8080");
        assert!(!api.real_time);
        assert_eq!(
            (api.max_body_bytes, api.max_events_body_bytes),
            (65_536, 524_288)
        );
        assert_eq!(
            AdminConfig::from_env(&env).unwrap().addr.to_string(),
            "127.0.0.1:9090"
        );
        assert_eq!(LogConfig::from_env(&env).unwrap().format, LogFormat::Text);
    }

    #[test]
    fn every_bad_value_names_its_variable() {
        let numbers = [
            "NOVA_API_ADDR",
            "NOVA_API_REQUEST_TIMEOUT_MS",
            "NOVA_API_BODY_TIMEOUT_MS",
            "NOVA_API_MAX_BODY_BYTES",
            "NOVA_API_MAX_EVENTS_BODY_BYTES",
            "NOVA_API_MAX_IN_FLIGHT",
            "NOVA_API_MAX_CONNECTIONS",
            "NOVA_API_RATE_PER_SECOND",
            "NOVA_API_RATE_BURST",
            "NOVA_API_RATE_USERS",
        ];
        for variable in numbers {
            for bad in ["x", "-1", "0"] {
                let error = ApiConfig::from_env(&Env::from_pairs([(variable, bad)])).unwrap_err();
                assert_eq!(error.variable, variable);
            }
        }
        let real_time = |value| {
            let env = Env::from_pairs([("NOVA_API_REAL_TIME", value)]);
            ApiConfig::from_env(&env).map(|config| config.real_time)
        };
        assert_eq!((real_time("on"), real_time("off")), (Ok(true), Ok(false)));
        assert_eq!(real_time("1").unwrap_err().variable, "NOVA_API_REAL_TIME");
        let format = LogConfig::from_env(&Env::from_pairs([("NOVA_LOG_FORMAT", "xml")]));
        assert_eq!(format.unwrap_err().variable, "NOVA_LOG_FORMAT");
    }
}
