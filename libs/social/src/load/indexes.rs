//! Indexes that are made faster at once than row by row.

use sqlx::{Connection as _, PgConnection};

use super::error::LoadError;
use super::journal::{Load, run};
use super::slots;

/// WAL of an index of two UUIDs, bytes for a row: 949 MiB for 20 M.
const WAL_OF_A_ROW: u64 = 50;

/// Refuses a load whose largest table, of so many rows, has an index that would cost a replication slot: its WAL is held from the beginning
/// of the transaction that makes it.
pub(super) async fn afford(connection: &mut PgConnection, rows: u64) -> Result<(), LoadError> {
    let bytes = i64::try_from(rows * WAL_OF_A_ROW).unwrap_or(i64::MAX / 2);
    slots::afford(connection, bytes).await
}

/// Drops the plain indexes of the loaded tables; their definitions go into the journal in the same transaction.
pub(super) async fn drop_plain(
    connection: &mut PgConnection,
    load: &Load,
) -> Result<(), LoadError> {
    let mut transaction = connection.begin().await?;
    let found: Vec<(String, String)> = sqlx::query_as(include_str!("plain_indexes.sql"))
        .fetch_all(&mut *transaction)
        .await?;
    for (name, definition) in found {
        sqlx::query("UPDATE simulated_loads SET indexes = indexes || $2::text WHERE load_id = $1")
            .bind(load.id)
            .bind(definition)
            .execute(&mut *transaction)
            .await?;
        run(&mut transaction, format!("DROP INDEX \"{name}\"")).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Makes what was dropped, one index a transaction. Writers of a table wait while one of its indexes is made.
pub(super) async fn restore(connection: &mut PgConnection, load: &Load) -> Result<(), LoadError> {
    // A sort of 20 M entries of 40 bytes fits.
    sqlx::raw_sql("SET maintenance_work_mem = '1GB'")
        .execute(&mut *connection)
        .await?;
    let definitions: Vec<String> =
        sqlx::query_scalar("SELECT unnest(indexes) FROM simulated_loads WHERE load_id = $1")
            .bind(load.id)
            .fetch_all(&mut *connection)
            .await?;
    for definition in definitions {
        slots::wait(connection).await?;
        let mut transaction = connection.begin().await?;
        run(&mut transaction, definition.clone()).await?;
        sqlx::query(
            "UPDATE simulated_loads SET indexes = array_remove(indexes, $2) WHERE load_id = $1",
        )
        .bind(load.id)
        .bind(definition)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
    }
    Ok(())
}
