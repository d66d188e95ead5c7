//! One answer that the requests of a process share for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The last answer to a question, and when it was asked. Cheap to clone; clones share it.
#[derive(Debug)]
pub(crate) struct Remembered<T>(Arc<Mutex<Option<(T, Instant)>>>);

impl<T: Clone> Remembered<T> {
    /// The answer, if it was asked for no longer ago than that.
    pub(crate) fn within(&self, period: Duration) -> Option<T> {
        let kept = self.lock();
        let (answer, asked) = kept.as_ref()?;
        (asked.elapsed() < period).then(|| answer.clone())
    }

    /// Keeps an answer, instead of the last one.
    pub(crate) fn keep(&self, answer: T, asked: Instant) {
        *self.lock() = Some((answer, asked));
    }

    fn lock(&self) -> MutexGuard<'_, Option<(T, Instant)>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Remembered<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
