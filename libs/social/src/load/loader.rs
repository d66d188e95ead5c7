//! The connection that loads.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use super::copy::{CopyRows, CopyTable};
use super::error::LoadError;
use super::journal::{self, Load, Wanted, run};
use super::{indexes, slots};

/// The publication that Debezium reads (migrations/005).
const PUBLICATION: &str = "nova_cdc";

/// One load of a database at a time: the key of its advisory lock.
const LOCK: i64 = 0x6e6f_7661_6c6f_6164;

/// How long to wait for a table that others write to.
const LOCK_TIMEOUT: &str = "30000";

/// Bytes of one message of COPY.
const MESSAGE: usize = 256 << 10;

/// Whether the rows go through the change stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// They do: plain transactions, as if others had written.
    Through,
    /// They do not: whoever loads brings them to ClickHouse.
    Beside,
}

/// A connection of its own, without the time-outs of the service. One at a time in a database.
#[derive(Debug)]
pub struct Loader {
    connection: PgConnection,
    way: Way,
    /// Whether foreign keys are left unchecked: the rows are right by how they are made, and two look-ups a row are not
    /// cheap. It takes a superuser, or the right to set `session_replication_role`.
    unchecked: bool,
}

impl Loader {
    /// Connects where `pool` does.
    ///
    /// # Errors
    /// [`LoadError::Busy`] while another loader is connected to the database, [`LoadError::Database`].
    pub async fn connect(pool: &PgPool, way: Way) -> Result<Self, LoadError> {
        let options: PgConnectOptions = pool.connect_options().as_ref().clone();
        let mut connection = options
            .application_name("nova simulate --scale")
            .options([
                ("statement_timeout", "0"),
                ("idle_in_transaction_session_timeout", "0"),
                ("lock_timeout", LOCK_TIMEOUT),
                ("client_min_messages", "warning"),
                // The journal is in the same WAL as the rows: what a crash loses, the next run finds missing.
                ("synchronous_commit", "off"),
            ])
            .disable_statement_logging()
            .connect()
            .await?;
        let alone: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut connection)
            .await?;
        if !alone {
            return Err(LoadError::Busy);
        }
        let unchecked = sqlx::raw_sql("SET session_replication_role = replica")
            .execute(&mut connection)
            .await
            .is_ok();
        if !unchecked {
            tracing::warn!(
                "session_replication_role may not be set: PostgreSQL checks each row's foreign keys"
            );
        }
        Ok(Self {
            connection,
            way,
            unchecked,
        })
    }

    /// Whether the rows go through the change stream.
    #[must_use]
    pub const fn way(&self) -> Way {
        self.way
    }

    /// Whether foreign keys are left unchecked.
    #[must_use]
    pub const fn is_unchecked(&self) -> bool {
        self.unchecked
    }

    /// Enters the load into the journal, or finds where it broke off.
    ///
    /// # Errors
    /// [`LoadError`]: the database has other posts, or the load or another one stands in the way.
    pub async fn begin(&mut self, wanted: &Wanted, now: DateTime<Utc>) -> Result<Load, LoadError> {
        journal::begin(&mut self.connection, wanted, now).await
    }

    /// Refuses a load whose indexes would cost a replication slot, before anything is written. `largest` is the number of rows of its
    /// largest table.
    ///
    /// # Errors
    /// [`LoadError::SlotSmall`], or [`LoadError::Database`].
    pub async fn afford_indexes(&mut self, largest: u64) -> Result<(), LoadError> {
        indexes::afford(&mut self.connection, largest).await
    }

    /// Drops the indexes that no constraint stands on, until [`Loader::restore_indexes`]: for loads of millions of rows
    /// into an empty database. Reads that need them are slow in between.
    ///
    /// # Errors
    /// [`LoadError::Database`]; all are there then.
    pub async fn drop_indexes(&mut self, load: &Load) -> Result<(), LoadError> {
        indexes::drop_plain(&mut self.connection, load).await
    }

    /// Makes the indexes again that this load has dropped, in whichever of its runs.
    ///
    /// # Errors
    /// [`LoadError`]; those that are missing stay in the journal.
    pub async fn restore_indexes(&mut self, load: &Load) -> Result<(), LoadError> {
        indexes::restore(&mut self.connection, load).await
    }

    /// Writes the next slice of a table: all of it, or nothing. Waits before that while a replication slot holds more WAL
    /// than it can afford; returns how long. Others cannot write to the table meanwhile.
    ///
    /// # Errors
    /// [`LoadError`]; nothing of the slice was written.
    pub async fn slice(&mut self, load: &mut Load, rows: &CopyRows) -> Result<Duration, LoadError> {
        let waited = slots::wait(&mut self.connection).await?;
        let table = rows.table;
        let slices = load.done(table) + 1;
        let mut transaction = self.connection.begin().await?;
        let beside = self.way == Way::Beside && table.is_published();
        if beside {
            let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", table.name());
            run(&mut transaction, lock).await?;
            publish(&mut transaction, "DROP", table).await?;
        }
        let taken = copy(&mut transaction, rows).await?;
        if taken != rows.rows {
            return Err(LoadError::Taken {
                table: table.name(),
                given: rows.rows,
                taken,
            });
        }
        if beside {
            publish(&mut transaction, "ADD", table).await?;
        }
        journal::note_slice(&mut transaction, load, table, slices).await?;
        transaction.commit().await?;
        load.note(table, slices);
        Ok(waited)
    }

    /// Lets the planner know what was loaded.
    ///
    /// # Errors
    /// [`LoadError::Database`].
    pub async fn analyze(&mut self) -> Result<(), LoadError> {
        sqlx::raw_sql("ANALYZE users, posts, follows, likes, comments")
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Notes in the journal that the load is done, on disk when this returns.
    ///
    /// # Errors
    /// [`LoadError::Database`].
    pub async fn finish(&mut self, load: &Load) -> Result<(), LoadError> {
        sqlx::raw_sql("SET synchronous_commit = on")
            .execute(&mut self.connection)
            .await?;
        journal::finish(&mut self.connection, load).await
    }

    /// Lets the next loader connect, which it else can only when PostgreSQL has noticed that this connection is gone. Does
    /// nothing where the connection is broken.
    pub async fn release(mut self) {
        let unlocked = sqlx::query_scalar("SELECT pg_advisory_unlock($1)")
            .bind(LOCK)
            .fetch_one(&mut self.connection);
        if !matches!(unlocked.await, Ok(true)) {
            tracing::debug!("the lock of the load ends with its connection");
        }
    }

    /// Rows of a table.
    ///
    /// # Errors
    /// [`LoadError::Database`].
    pub async fn count(&mut self, table: CopyTable) -> Result<u64, LoadError> {
        let count: i64 = sqlx::query_scalar(match table {
            CopyTable::Users => "SELECT count(*) FROM users",
            CopyTable::Posts => "SELECT count(*) FROM posts",
            CopyTable::Follows => "SELECT count(*) FROM follows",
            CopyTable::Likes => "SELECT count(*) FROM likes",
            CopyTable::Comments => "SELECT count(*) FROM comments",
        })
        .fetch_one(&mut self.connection)
        .await?;
        Ok(count.cast_unsigned())
    }

    /// The database on disk, with its indexes and without WAL, in bytes.
    ///
    /// # Errors
    /// [`LoadError::Database`].
    pub async fn bytes_on_disk(&mut self) -> Result<u64, LoadError> {
        let bytes: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(bytes.cast_unsigned())
    }
}

async fn publish(
    connection: &mut PgConnection,
    verb: &str,
    table: CopyTable,
) -> Result<(), LoadError> {
    let name = table.name();
    run(
        connection,
        format!("ALTER PUBLICATION {PUBLICATION} {verb} TABLE {name}"),
    )
    .await
}

async fn copy(connection: &mut PgConnection, rows: &CopyRows) -> Result<u64, LoadError> {
    let mut copy = connection.copy_in_raw(rows.table.statement()).await?;
    for piece in rows.data.chunks(MESSAGE) {
        copy.send(piece).await?;
    }
    Ok(copy.finish().await?)
}
