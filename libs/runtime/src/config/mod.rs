//! One struct per concern, each read from the environment; every error names its variable.

mod auth;
mod cursor;
mod process;
mod servers;

pub use auth::{AuthConfig, AuthKey};
pub use cursor::CursorConfig;
pub use process::{AdminConfig, ApiConfig, LifecycleConfig, LogConfig, LogFormat};
pub use servers::{
    CdcConfig, ClickHouseConfig, ConnectConfig, KafkaConfig, PostgresConfig, RedisConfig,
};
