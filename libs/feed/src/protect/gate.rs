//! A bound on the rankings under way, with a bounded queue in front of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::metrics;

/// So many of the last rankings count in how long one is expected to take: the share of the very last is one of them.
const COUNTED: u64 = 8;

/// Lets a number of rankings through at once. Cheap to clone; clones share the bound.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    takes: Arc<Takes>,
}

/// How long a ranking takes.
#[derive(Debug)]
struct Takes {
    /// Exponentially weighted mean in microseconds; 0 before the first.
    micros: AtomicU64,
    /// What one counts as that could not be finished.
    unfinished: Duration,
}

/// No place, and no room to wait for one; or none got free in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GateFull;

/// Leave to rank, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    takes: Arc<Takes>,
    taken: Instant,
}

impl Gate {
    /// `places` rankings at once, `queue` waiting. A ranking that was late with something counts as one that took `unfinished`.
    pub(crate) fn new(places: usize, queue: usize, unfinished: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            waiting: Arc::new(AtomicUsize::new(0)),
            queue,
            takes: Arc::new(Takes {
                micros: AtomicU64::new(0),
                unfinished,
            }),
        }
    }

    /// How long the next ranking will take, by the last ones; never more than what an unfinished one counts as.
    pub(crate) fn expected(&self) -> Duration {
        Duration::from_micros(self.takes.micros.load(Ordering::Relaxed))
    }

    /// A place, now or within `patience`.
    pub(crate) async fn enter(&self, patience: Duration) -> Result<Place, GateFull> {
        if let Ok(place) = self.try_enter() {
            return Ok(place);
        }
        let _queued = Queued::join(&self.waiting, self.queue).ok_or(GateFull)?;
        let permit = timeout(patience, Arc::clone(&self.places).acquire_owned()).await;
        match permit {
            Ok(Ok(permit)) => Ok(self.taken(permit)),
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
        permit
            .map(|permit| self.taken(permit))
            .map_err(|_| GateFull)
    }

    fn taken(&self, permit: OwnedSemaphorePermit) -> Place {
        metrics::rankings_in_flight(1.0);
        Place {
            _permit: permit,
            takes: Arc::clone(&self.takes),
            taken: Instant::now(),
        }
    }
}

impl Place {
    /// Gives the place back; `whole` when the ranking was late with nothing.
    pub(crate) fn ranked(self, whole: bool) {
        let unfinished = self.takes.unfinished;
        let took = if whole {
            self.taken.elapsed().min(unfinished)
        } else {
            unfinished
        };
        self.takes.note(took);
    }
}

impl Takes {
    fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mean = |mean: u64| match mean {
            0 => Some(took),
            mean => Some(mean - mean / COUNTED + took / COUNTED),
        };
        let _ = self
            .micros
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, mean);
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
        let gate = Gate::new(1, 1, SOON);
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
    async fn a_ranking_is_expected_to_take_what_the_last_ones_took() {
        let gate = Gate::new(1, 1, SOON);
        let millis = |gate: &Gate| gate.expected().as_millis();
        assert_eq!(millis(&gate), 0);
        let rank = async |took, whole| {
            let place = gate.try_enter().unwrap();
            tokio::time::advance(Duration::from_millis(took)).await;
            place.ranked(whole);
        };
        rank(100, true).await;
        assert_eq!(millis(&gate), 100);
        rank(180, true).await;
        assert_eq!(millis(&gate), 110);
        // One that was cut short took little time, and would have taken more.
        rank(10, false).await;
        assert_eq!(millis(&gate), 721);
        for _ in 0..60 {
            rank(20_000, true).await;
        }
        assert!((4_990..=5_000).contains(&millis(&gate)));
        for _ in 0..60 {
            rank(100, true).await;
        }
        assert!((100..=110).contains(&millis(&gate)));
        // Who leaves without having ranked says nothing.
        drop(gate.try_enter().unwrap());
        assert!((100..=110).contains(&millis(&gate)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_is_bounded_and_leaves_the_queue() {
        let gate = Gate::new(1, 1, SOON);
        let _first = gate.enter(SOON).await.unwrap();
        for _ in 0..3 {
            assert_eq!(gate.enter(SOON).await.unwrap_err(), GateFull);
        }
    }
}
