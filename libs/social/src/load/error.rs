//! Why a load cannot begin or go on.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Why a load was refused or broke off. What was written by then stays, and is found again by the same load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// PostgreSQL refused, or could not be reached.
    #[error("PostgreSQL did not take the load")]
    Database(#[from] sqlx::Error),
    /// Another process is loading this database.
    #[error("another load of this database is under way")]
    Busy,
    /// PostgreSQL or ClickHouse has posts that are not of this load.
    #[error("there are posts already: a load is for empty databases, or is to be appended")]
    NotEmpty,
    /// Another load broke off: what it did to the database has to be finished first.
    #[error(
        "the load of scale {scale}, seed {seed}, base time {} broke off: repeat it first, it goes on where it stopped",
        base.to_rfc3339()
    )]
    Unfinished {
        /// Its scale.
        scale: String,
        /// Its seed.
        seed: u64,
        /// Its base time.
        base: DateTime<Utc>,
    },
    /// A load of this seed was finished before.
    #[error(
        "seed {seed} was loaded before, at scale {scale}, with base time {}: its rows are there",
        base.to_rfc3339()
    )]
    Loaded {
        /// The scale.
        scale: String,
        /// The seed.
        seed: u64,
        /// The base time of the load that was finished.
        base: DateTime<Utc>,
    },
    /// A replication slot has lost WAL that it needs: its connector misses changes, whatever is loaded.
    #[error("the replication slot {slot} is lost: its connector has to be set up anew first")]
    SlotLost {
        /// The slot.
        slot: String,
    },
    /// A replication slot holds so much WAL that the load would make it lose some.
    #[error(
        "the replication slot {slot} holds {} MB of WAL and did not let go of them for {} s: is its connector running?",
        held_bytes >> 20,
        waited.as_secs()
    )]
    SlotBehind {
        /// The slot.
        slot: String,
        /// WAL it holds, bytes.
        held_bytes: i64,
        /// How long it was waited for.
        waited: Duration,
    },
    /// An index that the load makes is one transaction of more WAL than a replication slot may hold.
    #[error(
        "an index of this load would make the replication slot {slot} hold {} MB of WAL, and it may hold {} MB: raise max_slot_wal_keep_size first",
        needed_bytes >> 20,
        limit_bytes >> 20
    )]
    SlotSmall {
        /// The slot.
        slot: String,
        /// What it would hold, bytes.
        needed_bytes: i64,
        /// `max_slot_wal_keep_size`, bytes.
        limit_bytes: i64,
    },
    /// PostgreSQL took another number of rows than it was given.
    #[error("{taken} rows of {given} were taken by {table}")]
    Taken {
        /// The table.
        table: &'static str,
        /// Rows sent.
        given: u64,
        /// Rows PostgreSQL reports.
        taken: u64,
    },
}
