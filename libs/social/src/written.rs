//! When a write came to be, in the order of the database.

/// A write that has been committed, or found to be so already.
///
/// Of two states of the same thing the one with the greater LSN is the later one, whoever learns of them in which order:
/// copies outside the database (Redis, ClickHouse) compare by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Written {
    /// A position in PostgreSQL's write-ahead log at which the state held: behind the row's own change, and before any
    /// later change of the same row.
    pub lsn: u64,
}

impl Written {
    /// An LSN is never negative.
    pub(crate) fn at(lsn: i64) -> Self {
        Self {
            lsn: u64::try_from(lsn).unwrap_or(0),
        }
    }
}

/// What is left of the blocks between two users after one of them unblocked the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unblocked {
    /// When.
    pub written: Written,
    /// Whether the other one still blocks: then both stay hidden from each other.
    pub still_blocked: bool,
}
