//! One run of a job, as the job sees it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What a run is given and what it tells. It outlives the run: what was done before a run is cut off counts.
#[derive(Debug)]
pub struct Run {
    fence: u64,
    deadline: Instant,
    items: AtomicU64,
    remark: Mutex<Option<String>>,
}

impl Run {
    /// A run that begins now.
    #[must_use]
    pub fn new(fence: u64, deadline: Duration) -> Self {
        Self {
            fence,
            deadline: Instant::now() + deadline,
            items: AtomicU64::new(0),
            remark: Mutex::new(None),
        }
    }

    /// Greater than that of every run before: to be given with every write of a shared key.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// How long the run may still take.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Counts something that was written.
    pub fn wrote(&self, items: usize) {
        self.items
            .fetch_add(items.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How much was written so far.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items.load(Ordering::Relaxed)
    }

    /// Adds a word to the summary; the last one stays.
    pub fn remark(&self, text: impl Into<String>) {
        // A poisoned lock holds a text all the same.
        let mut remark = self.remark.lock().unwrap_or_else(|p| p.into_inner());
        *remark = Some(text.into());
    }

    pub(crate) fn take_remark(&self) -> Option<String> {
        self.remark.lock().unwrap_or_else(|p| p.into_inner()).take()
    }
}
