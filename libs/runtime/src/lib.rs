//! Configuration, telemetry and lifecycle shared by every Nova process.
//!
//! A process reads its environment once ([`Env`]), makes the config structs it needs from it ([`config`]), sets up
//! [`telemetry`], hands its long tasks to a [`Lifecycle`], and serves health and metrics by an [`AdminServer`].

mod admin;
pub mod config;
mod endpoints;
mod env;
mod foreground;
mod health;
mod lifecycle;
mod secret;
pub mod telemetry;

pub use admin::AdminServer;
pub use config::{
    AdminConfig, ApiConfig, AuthConfig, AuthKey, CdcConfig, ClickHouseConfig, ConnectConfig,
    CursorConfig, KafkaConfig, LifecycleConfig, LogConfig, LogFormat, PostgresConfig, RedisConfig,
};
pub use endpoints::{Endpoints, EndpointsError};
pub use env::{ConfigError, Env};
pub use foreground::Foreground;
pub use health::{CheckReport, HealthCheck, HealthReport};
pub use lifecycle::{Lifecycle, LifecycleError, Shutdown};
pub use secret::{Secret, SecretUrl};
