//! ClickHouse: the schema, the candidate queries and the counts.
//!
//! Owns everything Nova asks of ClickHouse; SQL stands in `clickhouse/`. Knows nothing of PostgreSQL, HTTP or ranking
//! beyond the candidates and counts it returns.

mod candidates;
mod client;
mod config;
mod dead_letters;
mod error;
mod features;
mod rows;
pub mod schema;
mod sql;

pub use candidates::{AuthorLimits, SourceLimits};
pub use client::Olap;
pub use config::OlapConfig;
pub use dead_letters::DeadLetter;
pub use error::OlapError;
