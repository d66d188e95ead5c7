//! One ticket per record: where it stands and since when it waits, until what it says is projected.

use std::collections::BTreeMap;
use std::time::Duration;

use nova_stream::Position;
use tokio::time::Instant;

/// A record under way. It is never copied: it goes from hand to hand and is given back once.
#[derive(Debug)]
#[must_use = "a ticket that is dropped holds its partition back for ever"]
pub(crate) struct Ticket {
    pub(crate) position: Position,
    source_ms: Option<i64>,
    taken: Instant,
}

impl Ticket {
    /// How long it has been under way.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.taken)
    }
}

/// A record that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) position: Position,
    /// When PostgreSQL committed what it says, milliseconds since 1970.
    pub(crate) source_ms: Option<i64>,
}

/// All tickets that are out, and how far the pipeline is.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    out: usize,
    /// How many tickets carry each source time.
    sources: BTreeMap<i64, usize>,
    newest: Option<i64>,
}

impl Ledger {
    pub(crate) fn issue(
        &mut self,
        position: Position,
        source_ms: Option<i64>,
        now: Instant,
    ) -> Ticket {
        self.out += 1;
        if let Some(ms) = source_ms {
            *self.sources.entry(ms).or_default() += 1;
        }
        Ticket {
            position,
            source_ms,
            taken: now,
        }
    }

    /// What the record says is projected, or nothing can be projected of it.
    pub(crate) fn settle(&mut self, ticket: Ticket) -> Done {
        self.out -= 1;
        if let Some(ms) = ticket.source_ms {
            if let Some(count) = self.sources.get_mut(&ms) {
                *count -= 1;
                if *count == 0 {
                    self.sources.remove(&ms);
                }
            }
            self.newest = self.newest.max(Some(ms));
        }
        Done {
            position: ticket.position,
            source_ms: ticket.source_ms,
        }
    }

    /// Tickets that are out.
    pub(crate) fn out(&self) -> usize {
        self.out
    }

    /// The source time up to which everything that was read is projected: that of the oldest record under way, else of
    /// the newest that is done. Milliseconds since 1970.
    pub(crate) fn seen_up_to(&self) -> Option<i64> {
        let oldest = self.sources.first_key_value().map(|(ms, _)| *ms);
        // What came before the oldest is done only if something was done at all.
        self.newest
            .map(|newest| oldest.unwrap_or(newest).min(newest))
    }
}
