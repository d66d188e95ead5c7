//! The ClickHouse HTTP interface in front of libchdb: for development and CI on machines where no image of
//! clickhouse-server can be pulled. See the README for what it is not.

mod answer;
mod auth;
mod body;
mod config;
mod error;
#[expect(
    unsafe_code,
    reason = "the C interface of libchdb; every block says why it is sound"
)]
mod ffi;
mod handler;
mod insert;
mod logger;
mod native;
mod params;
mod pool;
mod query;
mod server;
mod session;
mod sql;
mod ticket;

pub use auth::Credentials;
pub use config::{Config, Limits};
pub use ffi::FfiError;
pub use server::{Server, ServerError};
