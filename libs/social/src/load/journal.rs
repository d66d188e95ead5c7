//! What a load has done so far, in the database it is loaded into.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound as _, Utc};
use nova_domain::UserId;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::copy::CopyTable;
use super::error::LoadError;

/// The load that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Names the numbers of rows.
    pub scale: String,
    /// Decides everything else, together with the base time.
    pub seed: u64,
    /// The time that the rows' times are relative to; none is now, or that of the same load if it broke off.
    pub base: Option<DateTime<Utc>>,
    /// Whether there may be other posts.
    pub append: bool,
    /// Authors whose posts do not count as others': those of the freshness probe.
    pub unheeded: Vec<UserId>,
    /// Whether ClickHouse has posts of others: rows of another database, or of this one before it was emptied.
    pub posts_elsewhere: bool,
}

/// A load that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    pub(super) id: i32,
    /// The time that the rows' times are relative to, in whole milliseconds.
    pub base: DateTime<Utc>,
    /// An LSN before every change that can ever be made to a loaded row: the version of the rows in ClickHouse.
    pub version: u64,
    /// Whether it goes on with one that broke off.
    pub resumed: bool,
    /// Slices of each table that are there.
    done: BTreeMap<CopyTable, u32>,
}

impl Load {
    /// How many slices of a table are there: the number of the next one.
    #[must_use]
    pub fn done(&self, table: CopyTable) -> u32 {
        self.done.get(&table).copied().unwrap_or(0)
    }

    pub(super) fn note(&mut self, table: CopyTable, slices: u32) {
        self.done.insert(table, slices);
    }
}

#[derive(sqlx::FromRow)]
struct Entry {
    load_id: i32,
    scale: String,
    seed: i64,
    base_at: DateTime<Utc>,
    version: i64,
    is_finished: bool,
}

/// Finds the load in the journal or enters it.
pub(super) async fn begin(
    connection: &mut PgConnection,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> Result<Load, LoadError> {
    sqlx::raw_sql(include_str!("create_journal.sql"))
        .execute(&mut *connection)
        .await?;
    let mut transaction = connection.begin().await?;
    let entries: Vec<Entry> = sqlx::query_as(include_str!("journal_entries.sql"))
        .fetch_all(&mut *transaction)
        .await?;
    // A seed is stored with PostgreSQL's sign: the same bits.
    let seed = wanted.seed.cast_signed();
    let mut found = None;
    for entry in entries {
        let same = entry.scale == wanted.scale && entry.seed == seed;
        let same_base = wanted.base.is_none_or(|base| millis(base) == entry.base_at);
        match (entry.is_finished, same) {
            (false, true) if same_base => found = Some(entry),
            (false, _) => {
                return Err(LoadError::Unfinished {
                    scale: entry.scale,
                    seed: entry.seed.cast_unsigned(),
                    base: entry.base_at,
                });
            }
            // Another scale of the same seed has the same handles.
            (true, _) if entry.seed == seed => {
                return Err(LoadError::Loaded {
                    scale: entry.scale,
                    seed: wanted.seed,
                    base: entry.base_at,
                });
            }
            (true, _) => {}
        }
    }
    let load = match found {
        Some(entry) => resume(&mut transaction, &entry).await?,
        None => enter(&mut transaction, wanted, now).await?,
    };
    transaction.commit().await?;
    Ok(load)
}

async fn resume(connection: &mut PgConnection, entry: &Entry) -> Result<Load, LoadError> {
    let slices: Vec<(String, i32)> = sqlx::query_as(include_str!("journal_slices.sql"))
        .bind(entry.load_id)
        .fetch_all(connection)
        .await?;
    let done = CopyTable::ALL
        .into_iter()
        .filter_map(|table| {
            let (_, slices) = slices.iter().find(|(name, _)| name == table.name())?;
            Some((table, u32::try_from(*slices).unwrap_or(0)))
        })
        .collect();
    Ok(Load {
        id: entry.load_id,
        base: entry.base_at,
        version: entry.version.cast_unsigned(),
        resumed: true,
        done,
    })
}

async fn enter(
    connection: &mut PgConnection,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> Result<Load, LoadError> {
    let unheeded: Vec<Uuid> = wanted.unheeded.iter().map(|user| user.uuid()).collect();
    let has_posts: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM posts WHERE author_id <> ALL ($1))")
            .bind(unheeded)
            .fetch_one(&mut *connection)
            .await?;
    if (has_posts || wanted.posts_elsewhere) && !wanted.append {
        return Err(LoadError::NotEmpty);
    }
    let base = millis(wanted.base.unwrap_or(now));
    let (id, version): (i32, i64) = sqlx::query_as(include_str!("enter_load.sql"))
        .bind(&wanted.scale)
        .bind(wanted.seed.cast_signed())
        .bind(base)
        .fetch_one(connection)
        .await?;
    Ok(Load {
        id,
        base,
        version: version.cast_unsigned(),
        resumed: false,
        done: BTreeMap::new(),
    })
}

/// Notes a slice, in the slice's transaction.
pub(super) async fn note_slice(
    connection: &mut PgConnection,
    load: &Load,
    table: CopyTable,
    slices: u32,
) -> Result<(), LoadError> {
    sqlx::query(include_str!("note_slice.sql"))
        .bind(load.id)
        .bind(table.name())
        .bind(i32::try_from(slices).unwrap_or(i32::MAX))
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes the end of a load.
pub(super) async fn finish(connection: &mut PgConnection, load: &Load) -> Result<(), LoadError> {
    sqlx::query("UPDATE simulated_loads SET finished_at = now() WHERE load_id = $1")
        .bind(load.id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Runs a statement that was put together from names of the catalogue.
pub(super) async fn run(connection: &mut PgConnection, statement: String) -> Result<(), LoadError> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}

fn millis(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(3)
}
