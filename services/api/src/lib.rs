//! The HTTP API.
//!
//! A handler reads as: extract, call a library, answer. Every refusal is a problem document (RFC 9457) with the id of
//! the request; causes are logged once, in [`middleware`], and never answered.

mod app;
pub mod auth;
mod authors;
pub mod console;
mod extract;
mod handlers;
mod janitor;
pub mod metrics;
mod middleware;
mod openapi;
mod problem;
mod rate_limit;
mod router;
mod server;
mod state;

pub use app::{ApiError, Application, Dependencies};
pub use openapi::openapi_json;

#[cfg(test)]
mod tests;
