//! The process that floors and alternatives are served by: axum, the redis crate and sqlx, and nothing of Nova.

mod answer;
mod fan;
mod floor;
mod sql;

use std::io::BufRead as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

use super::plan::Plan;
use crate::link;

/// As many connections to PostgreSQL as Nova has.
const POOL: u32 = 16;

/// Options of the server: none. It is told what to do by its standard input.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeOptions {}

/// Reads a line of JSON from standard input, prints the address it listens at, and serves until standard input ends.
///
/// # Errors
/// When the line is no plan, or Redis or PostgreSQL cannot be reached.
pub async fn serve(_options: ServeOptions) -> anyhow::Result<()> {
    let plan = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        serde_json::from_str::<Plan>(&line).context("the plan")
    });
    let plan = plan.await??;
    let redis = link::connect(&plan.redis).await?;
    let pool = PgPoolOptions::new()
        .max_connections(POOL)
        .connect(&plan.postgres)
        .await
        .context("connecting to PostgreSQL")?;
    let floor = Arc::new(floor::Floor::new(redis.clone(), plan.pages));
    let router = Router::new()
        .route("/floor/{viewer}", get(floor::page).with_state(floor))
        .route("/sql/{viewer}", get(sql::page).with_state(pool))
        .route("/fan/{viewer}", get(fan::page).with_state(redis));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{}", listener.local_addr()?);
    // Answers are small: waiting to fill a packet costs 40 ms against a delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    tokio::select! {
        served = axum::serve(listener, router) => served.context("serving"),
        () = end_of_input() => Ok(()),
    }
}

/// Whoever started this has ended, or wants it to end.
async fn end_of_input() {
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        while std::io::stdin()
            .lock()
            .read_line(&mut line)
            .is_ok_and(|read| read > 0)
        {
            line.clear();
        }
    });
    // A thread that panicked reads no more either.
    _ = reading.await;
}

/// What failed, for the log; to the client it is an error and no more.
fn failed(error: impl std::fmt::Display) -> StatusCode {
    tracing::warn!(%error, "a request failed");
    StatusCode::BAD_GATEWAY
}
