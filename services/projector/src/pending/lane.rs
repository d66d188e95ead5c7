//! Steps of one kind, one after the other.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

/// At most one step of a kind is under way; one that failed is tried again after a pause, without end: giving up would
/// lose what it was to write.
#[derive(Debug)]
pub(crate) struct Lane {
    busy: bool,
    not_before: Option<Instant>,
    backoff: Backoff,
}

impl Lane {
    pub(crate) fn new() -> Self {
        Self {
            busy: false,
            not_before: None,
            backoff: Backoff::new(),
        }
    }

    /// Whether a step may begin.
    pub(crate) fn is_free(&self, now: Instant) -> bool {
        !self.busy && self.not_before.is_none_or(|at| at <= now)
    }

    pub(crate) fn begin(&mut self) {
        self.busy = true;
    }

    /// The step is done; the next may begin after `rest`.
    pub(crate) fn done(&mut self, now: Instant, rest: Duration) {
        self.busy = false;
        self.backoff = Backoff::new();
        self.not_before = Some(now + rest);
    }

    /// The step failed.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.busy = false;
        self.not_before = Some(now + self.backoff.pause());
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy
    }

    /// When a step that is due at `due` may begin; never while another is under way: its end is waited for.
    pub(crate) fn wakes(&self, due: Option<Instant>) -> Option<Instant> {
        if self.busy {
            return None;
        }
        due.map(|due| self.not_before.map_or(due, |at| at.max(due)))
    }
}
