//! A bound on the rankings under way, with a bounded queue in front of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::metrics;

/// Lets a number of rankings through at once. Cheap to clone; clones share the bound.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
}

/// No place, and no room to wait for one; or none got free in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GateFull;

/// Leave to rank, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    /// `places` rankings at once, `queue` waiting.
    pub(crate) fn new(places: usize, queue: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            waiting: Arc::new(AtomicUsize::new(0)),
            queue,
        }
    }

    /// A place, now or within `patience`.
    pub(crate) async fn enter(&self, patience: Duration) -> Result<Place, GateFull> {
        if let Ok(place) = self.try_enter() {
            return Ok(place);
        }
        let _queued = Queued::join(&self.waiting, self.queue).ok_or(GateFull)?;
        let permit = timeout(patience, Arc::clone(&self.places).acquire_owned()).await;
        match permit {
            Ok(Ok(permit)) => Ok(Place::taken(permit)),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(GateFull),
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// A place, if one is free now.
    pub(crate) fn try_enter(&self) -> Result<Place, GateFull> {
        let permit = Arc::clone(&self.places).try_acquire_owned();
        permit.map(Place::taken).map_err(|_| GateFull)
    }
}

impl Place {
    fn taken(permit: OwnedSemaphorePermit) -> Self {
        metrics::rankings_in_flight(1.0);
        Self { _permit: permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::rankings_in_flight(-1.0);
    }
}

/// One that waits; leaves the queue however the wait ends.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn join(waiting: &'a AtomicUsize, room: usize) -> Option<Self> {
        waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                (n < room).then_some(n + 1)
            })
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn past_the_queue_nobody_waits() {
        let gate = Gate::new(1, 1);
        let first = gate.enter(SOON).await.unwrap();
        let second = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter(SOON).await.map(drop) }
        });
        nova_testbed::wait_for(SOON, async || match gate.queued() {
            1 => Ok(()),
            n => Err(format!("{n} waiting")),
        })
        .await
        .unwrap();
        assert_eq!(gate.enter(SOON).await.unwrap_err(), GateFull);
        assert_eq!(gate.try_enter().unwrap_err(), GateFull);
        drop(first);
        assert_eq!(second.await.unwrap(), Ok(()));
        assert!(gate.try_enter().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_is_bounded_and_leaves_the_queue() {
        let gate = Gate::new(1, 1);
        let _first = gate.enter(SOON).await.unwrap();
        for _ in 0..3 {
            assert_eq!(gate.enter(SOON).await.unwrap_err(), GateFull);
        }
    }
}
