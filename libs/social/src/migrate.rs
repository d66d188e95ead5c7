//! Brings a database to the schema of this release.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor as _, PgPool};

static MIGRATOR: Migrator = sqlx::migrate!();

/// Waits for another process that migrates the same database, and the longest statement, both end by this time.
const STATEMENT_TIMEOUT_MS: &str = "600000";

/// How long to wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the role is tried again when another database of the server changes it at the same moment.
const ROLE_ATTEMPTS: u32 = 10;

/// Why a database could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A migration failed; it was rolled back, those before it stay.
    #[error("a migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// PostgreSQL cannot be reached, or refused.
    #[error("PostgreSQL refused")]
    Database(#[from] sqlx::Error),
}

/// Applies the migrations that are missing and sets the password of the replication role `nova_cdc`.
///
/// Doing it again changes nothing; processes that do it at once wait for each other. The user of the pool has to own
/// the database and may need `CREATEROLE` and `REPLICATION`, unless the role exists.
///
/// # Errors
/// When PostgreSQL cannot be reached, a migration fails, or the database has a migration this release does not know.
pub async fn migrate(pool: &PgPool, cdc_password: &str) -> Result<(), MigrateError> {
    // A connection of its own: the longer time-out must not get into the caller's pool.
    let options = pool.connect_options().as_ref().clone().options([
        ("statement_timeout", STATEMENT_TIMEOUT_MS),
        ("client_min_messages", "warning"),
    ]);
    let own = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await?;
    let applied = apply(&own, cdc_password).await;
    own.close().await;
    applied
}

async fn apply(pool: &PgPool, cdc_password: &str) -> Result<(), MigrateError> {
    MIGRATOR.run(pool).await?;
    for attempt in 1.. {
        match set_cdc_password(pool, cdc_password).await {
            Err(error) if attempt < ROLE_ATTEMPTS && is_concurrent_update(&error) => {
                // A random version 4 UUID is jitter enough.
                let jitter = uuid::Uuid::new_v4().as_bytes()[0] % 20 + 1;
                tokio::time::sleep(Duration::from_millis(
                    u64::from(attempt) * u64::from(jitter),
                ))
                .await;
            }
            done => return Ok(done?),
        }
    }
    Ok(())
}

async fn set_cdc_password(pool: &PgPool, password: &str) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query(include_str!("../sql/lock_cdc_role.sql"))
        .bind(password)
        .execute(&mut *transaction)
        .await?;
    transaction
        .execute(include_str!("../sql/set_cdc_password.sql"))
        .await?;
    transaction.commit().await
}

/// Roles are shared by all databases of a server; a row of such a catalogue changed twice at once is an internal error.
fn is_concurrent_update(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return false;
    };
    error.code().as_deref() == Some("XX000") && error.message().contains("concurrently")
}
