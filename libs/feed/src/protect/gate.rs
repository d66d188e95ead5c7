//! A bound on the rankings under way, with a bounded queue in front of it. The more of them there are, the more of their questions are
//! asked together, and the longer each takes: the bound grows while they are in time, and shrinks when they are late (additive
//! increase, multiplicative decrease, as in congestion control).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::metrics;

/// So many of the last rankings count in how long one is expected to take: the share of the very last is one of them.
const COUNTED: u64 = 8;

/// So many rankings are let through at once however late they are, unless fewer are allowed.
const FEWEST: usize = 2;

/// What a late ranking leaves of the bound. Those that were under way beside it are late for the same reason, and count once.
const LATE_LEAVES: f64 = 0.75;

/// Lets a number of rankings through at once. Cheap to clone; clones share the bound.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    takes: Arc<Takes>,
    bound: Arc<Bound>,
    /// Rankings under way that nobody waits for yet.
    ahead: Arc<AtomicUsize>,
}

/// How many are let through.
#[derive(Debug)]
struct Bound {
    fewest: usize,
    most: usize,
    /// A ranking that took more than this is late: three quarters of what an unfinished one counts as.
    late: Duration,
    /// One that took less than this was in good time: half of it.
    quick: Duration,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    bound: f64,
    /// The same in whole rankings.
    whole: usize,
    /// Permits of the semaphore, taken and free.
    permits: usize,
    /// When it shrank last.
    shrank: Option<Instant>,
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
    permit: Option<OwnedSemaphorePermit>,
    gate: Gate,
    ahead: bool,
    taken: Instant,
}

impl Gate {
    /// At most `most` rankings at once, two to begin with; `queue` waiting. A ranking that was late with something counts as one that
    /// took `unfinished`.
    pub(crate) fn new(most: usize, queue: usize, unfinished: Duration) -> Self {
        let fewest = FEWEST.min(most);
        metrics::rankings_bound(0, fewest);
        Self {
            places: Arc::new(Semaphore::new(fewest)),
            waiting: Arc::new(AtomicUsize::new(0)),
            queue,
            takes: Arc::new(Takes {
                micros: AtomicU64::new(0),
                unfinished,
            }),
            bound: Arc::new(Bound {
                fewest,
                most,
                late: unfinished * 3 / 4,
                quick: unfinished / 2,
                now: Mutex::new(Now {
                    bound: as_f64(fewest),
                    whole: fewest,
                    permits: fewest,
                    shrank: None,
                }),
            }),
            ahead: Arc::default(),
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

    /// The same for a ranking ahead of its time: at most half of the places, so that who waits for one finds the others.
    pub(crate) fn try_enter_ahead(&self) -> Result<Place, GateFull> {
        let half = self.bound.lock().whole.div_ceil(2);
        let mut place = self.try_enter()?;
        let room = |n: usize| (n < half).then_some(n + 1);
        let counted = self
            .ahead
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, room);
        place.ahead = counted.is_ok();
        counted.map(|_| place).map_err(|_| GateFull)
    }

    fn taken(&self, permit: OwnedSemaphorePermit) -> Place {
        metrics::rankings_in_flight(1.0);
        Place {
            permit: Some(permit),
            gate: self.clone(),
            ahead: false,
            taken: Instant::now(),
        }
    }
}

impl Place {
    /// Gives the place back; `whole` when the ranking was late with nothing.
    pub(crate) fn ranked(self, whole: bool) {
        let unfinished = self.gate.takes.unfinished;
        let took = if whole {
            self.taken.elapsed().min(unfinished)
        } else {
            unfinished
        };
        self.gate.takes.note(took);
        self.gate.learn(took, self.taken);
    }
}

impl Gate {
    /// Grows or shrinks by one ranking that took so long.
    fn learn(&self, took: Duration, taken: Instant) {
        let Bound { fewest, most, .. } = *self.bound;
        let mut now = self.bound.lock();
        if took > self.bound.late {
            // One that began before the bound shrank last was late under the old bound.
            if now.shrank.is_none_or(|at| at < taken) {
                now.bound = (now.bound * LATE_LEAVES).max(as_f64(fewest));
                now.shrank = Some(Instant::now());
            }
        } else if took < self.bound.quick && self.places.available_permits() == 0 {
            // Only where the bound was reached: else it says nothing of a higher one.
            now.bound = (now.bound + now.bound.recip()).min(as_f64(most));
        }
        let whole = (1..=most).rev().find(|n| as_f64(*n) <= now.bound);
        let whole = whole.unwrap_or(fewest);
        metrics::rankings_bound(now.whole, whole);
        now.whole = whole;
        if whole > now.permits {
            self.places.add_permits(whole - now.permits);
            now.permits = whole;
        }
    }

    /// Gives a permit back, unless there are more than the bound.
    fn give_back(&self, permit: OwnedSemaphorePermit) {
        let mut now = self.bound.lock();
        if now.permits > now.whole {
            now.permits -= 1;
            permit.forget();
        }
    }
}

impl Bound {
    /// Nothing in here panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number of rankings, of which there are never more than a thousand.
fn as_f64(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
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
        if self.ahead {
            self.gate.ahead.fetch_sub(1, Ordering::AcqRel);
        }
        if let Some(permit) = self.permit.take() {
            self.gate.give_back(permit);
        }
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

    /// Places that can be had at once.
    fn all(gate: &Gate) -> Vec<Place> {
        std::iter::from_fn(|| gate.try_enter().ok()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_bound_grows_while_rankings_are_in_time_and_shrinks_when_they_are_late() {
        let gate = Gate::new(5, 1, SOON);
        let round = async |took: Duration, whole| {
            let places = all(&gate);
            tokio::time::advance(took).await;
            let under_way = places.len();
            for place in places {
                place.ranked(whole);
            }
            under_way
        };
        let (quick, slow, late) = (SOON / 3, SOON * 5 / 8, SOON * 7 / 8);
        let mut under_way = Vec::new();
        for _ in 0..12 {
            under_way.push(round(quick, true).await);
        }
        assert!(under_way.is_sorted());
        assert_eq!((under_way[0], under_way[11]), (2, 5), "{under_way:?}");
        // Neither in good time nor late.
        assert_eq!(round(slow, true).await, 5);
        assert_eq!(round(late, true).await, 5, "all late at once count as one");
        assert_eq!(round(slow, true).await, 3);
        assert_eq!(round(quick, false).await, 3, "without a source");
        for _ in 0..5 {
            round(late, true).await;
        }
        assert_eq!(all(&gate).len(), 2, "and never fewer");
        // Who is alone says nothing of what more of them would take.
        for _ in 0..20 {
            let place = gate.try_enter().unwrap();
            tokio::time::advance(quick).await;
            place.ranked(true);
        }
        assert_eq!(all(&gate).len(), 2);
        assert_eq!(all(&Gate::new(1, 1, SOON)).len(), 1);
    }

    #[tokio::test]
    async fn who_ranks_ahead_leaves_half_of_the_places() {
        let gate = Gate::new(5, 1, SOON);
        let ahead = gate.try_enter_ahead().unwrap();
        assert_eq!(gate.try_enter_ahead().unwrap_err(), GateFull);
        let place = gate.try_enter().unwrap();
        drop(ahead);
        let ahead = gate.try_enter_ahead().unwrap();
        drop(place);
        drop(ahead);
        let both = all(&gate);
        assert_eq!(both.len(), 2);
        assert_eq!(gate.try_enter_ahead().unwrap_err(), GateFull);
        drop(both);
        assert!(gate.try_enter_ahead().is_ok());
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
