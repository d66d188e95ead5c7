//! What the SQL alternative needs in the database, made and dropped again.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use nova_domain::UserId;
use serde::Serialize;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::Instant;

use crate::feed::PAGE;
use crate::report;

/// Connections for what is done beside measuring.
const POOL: u32 = 4;

/// What it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SqlSetup {
    /// Seconds to fill the counters and build the indexes.
    pub seconds: f64,
    /// Bytes of both.
    pub bytes: i64,
}

pub(super) async fn connect(postgres: &str) -> anyhow::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(POOL)
        .acquire_timeout(Duration::from_secs(30))
        .connect(postgres)
        .await
        .context("connecting to PostgreSQL")
}

/// Makes schema, counters and indexes.
pub(super) async fn set_up(pool: &PgPool) -> anyhow::Result<SqlSetup> {
    let begun = Instant::now();
    sqlx::raw_sql(include_str!("setup.sql"))
        .execute(pool)
        .await
        .context("setup.sql")?;
    // Not within the transaction that several statements at once are.
    sqlx::raw_sql(include_str!("vacuum.sql"))
        .execute(pool)
        .await
        .context("vacuum.sql")?;
    let seconds = begun.elapsed().as_secs_f64();
    let bytes = sqlx::query_scalar(include_str!("size.sql"))
        .fetch_one(pool)
        .await
        .context("size.sql")?;
    Ok(SqlSetup { seconds, bytes })
}

/// Drops them.
pub(super) async fn tear_down(pool: &PgPool) -> anyhow::Result<()> {
    sqlx::raw_sql(include_str!("teardown.sql"))
        .execute(pool)
        .await
        .context("teardown.sql")?;
    Ok(())
}

/// Saves how PostgreSQL carries the statement out for a viewer.
pub(super) async fn explain(pool: &PgPool, viewer: UserId, directory: &Path) -> anyhow::Result<()> {
    let statement = concat!("EXPLAIN (ANALYZE, BUFFERS) ", include_str!("feed.sql"));
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(viewer.uuid())
        .bind(i64::try_from(PAGE)?)
        .fetch_all(pool)
        .await
        .context("explaining feed.sql")?;
    report::save(
        directory,
        "sql-plan.txt",
        (lines.join("\n") + "\n").as_bytes(),
    )
}
