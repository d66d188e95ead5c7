//! The HTTP API.
//!
//! A handler reads as: extract, call a library, answer. Every refusal is a problem document (RFC 9457) with the id of
//! the request; causes are logged once, in [`middleware`], and never answered.

mod app;
pub mod auth;
mod extract;
mod handlers;
mod health;
mod janitor;
pub mod metrics;
mod middleware;
mod problem;
mod rate_limit;
mod router;
mod server;
mod state;

pub use app::{ApiError, Application, Dependencies};
pub use health::checks;

#[cfg(test)]
mod tests;
