//! One computation per key at a time: whoever asks while it is under way gets its result.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::tasks::Tasks;

/// The computation ended without a result: it panicked, or the process stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task ended without a result")]
pub(crate) struct Lost;

type Flights<K, V> = Mutex<HashMap<K, watch::Receiver<Option<V>>>>;

/// Computations under way, by key. They run as tasks of their own: a caller that hangs up takes nothing from the others.
#[derive(Debug)]
pub(crate) struct SingleFlight<K, V> {
    flights: Arc<Flights<K, V>>,
    tasks: Tasks,
}

/// Nobody waits for its tasks to end.
impl<K, V> Default for SingleFlight<K, V>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new(Tasks::default())
    }
}

/// A result to come.
pub(crate) struct Flight<V> {
    landing: watch::Receiver<Option<V>>,
    /// Whether this call started it.
    pub(crate) started: bool,
}

impl<K, V> SingleFlight<K, V>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// They are spawned by `tasks`.
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self {
            flights: Arc::default(),
            tasks,
        }
    }

    /// Joins the computation for `key`, or starts `work`. The work has to bound its own time.
    pub(crate) fn join<F>(&self, key: K, work: impl FnOnce() -> F) -> Flight<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flights = lock(&self.flights);
        if let Some(landing) = flights.get(&key) {
            return Flight {
                landing: landing.clone(),
                started: false,
            };
        }
        let (land, landing) = watch::channel(None);
        flights.insert(key, landing.clone());
        drop(flights);
        let seat = Seat {
            flights: Arc::clone(&self.flights),
            key,
        };
        let work = work();
        self.tasks.spawn(async move {
            // Moved in, so that it is left even if the work panics or the task is dropped.
            let seat = seat;
            let value = work.await;
            // Whoever asks from here on starts anew, and gets nothing older than its question.
            drop(seat);
            land.send_replace(Some(value));
        });
        Flight {
            landing,
            started: true,
        }
    }

    /// Whether a computation for `key` is under way.
    pub(crate) fn under_way(&self, key: &K) -> bool {
        lock(&self.flights).contains_key(key)
    }
}

impl<V: Clone> Flight<V> {
    /// Waits for the result.
    pub(crate) async fn landed(mut self) -> Result<V, Lost> {
        match self.landing.wait_for(Option::is_some).await {
            Ok(value) => value.clone().ok_or(Lost),
            Err(_) => Err(Lost),
        }
    }
}

/// The entry of a computation in the map.
struct Seat<K: Eq + Hash, V> {
    flights: Arc<Flights<K, V>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Seat<K, V> {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.key);
    }
}

/// Nothing in here panics while it holds the lock.
fn lock<K, V>(
    flights: &Flights<K, V>,
) -> std::sync::MutexGuard<'_, HashMap<K, watch::Receiver<Option<V>>>> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;
    use tokio_util::task::TaskTracker;

    use super::*;

    struct Runway {
        flights: SingleFlight<u32, usize>,
        started: Arc<AtomicUsize>,
        open: Arc<Semaphore>,
    }

    impl Runway {
        fn new() -> Self {
            Self {
                flights: SingleFlight::default(),
                started: Arc::default(),
                open: Arc::new(Semaphore::new(0)),
            }
        }

        /// Lands when a permit is given; the result tells which start it was.
        fn join(&self, key: u32) -> Flight<usize> {
            let (started, open) = (Arc::clone(&self.started), Arc::clone(&self.open));
            self.flights.join(key, || async move {
                let number = started.fetch_add(1, Ordering::SeqCst);
                open.acquire().await.unwrap().forget();
                number
            })
        }
    }

    #[tokio::test]
    async fn everybody_who_asks_meanwhile_gets_the_one_result() {
        let runway = Runway::new();
        let (first, second, other) = (runway.join(1), runway.join(1), runway.join(2));
        assert!(first.started && !second.started && other.started);
        runway.open.add_permits(2);
        let (first, second, other) = tokio::join!(first.landed(), second.landed(), other.landed());
        assert_eq!(first, second);
        assert_ne!(first, other);
        assert_eq!(runway.started.load(Ordering::SeqCst), 2);
        assert!(!runway.flights.under_way(&1));
        runway.open.add_permits(1);
        assert_eq!(runway.join(1).landed().await, Ok(2));
    }

    #[tokio::test]
    async fn a_caller_that_hangs_up_cancels_nobody() {
        let runway = Runway::new();
        let first = runway.join(1);
        let second = runway.join(1);
        drop(first.landed());
        runway.open.add_permits(1);
        assert_eq!(second.landed().await, Ok(0));
    }

    #[tokio::test]
    async fn they_run_on_their_runtime_whoever_asks() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("rankings")
            .build()
            .unwrap();
        let flights: SingleFlight<u32, Option<String>> = SingleFlight::new(Tasks::new(
            TaskTracker::new(),
            Some(runtime.handle().clone()),
        ));
        let name = || async { std::thread::current().name().map(str::to_owned) };
        let landed = flights.join(1, name).landed().await;
        assert_eq!(landed, Ok(Some("rankings".to_owned())));
        assert_ne!(name().await.as_deref(), Some("rankings"));
        runtime.shutdown_background();
        // Nobody waits for ever for one that cannot run any more.
        assert_eq!(flights.join(2, name).landed().await, Err(Lost));
    }

    #[tokio::test]
    async fn a_panic_is_told_and_not_repeated() {
        let flights: SingleFlight<u32, usize> = SingleFlight::default();
        let fuse = Arc::new(AtomicUsize::new(0));
        let burning = Arc::clone(&fuse);
        let lost = flights.join(1, || async move {
            if burning.load(Ordering::SeqCst) == 0 {
                panic!("boom");
            }
            1
        });
        assert_eq!(lost.landed().await, Err(Lost));
        assert!(!flights.under_way(&1));
        assert_eq!(flights.join(1, || async { 7 }).landed().await, Ok(7));
    }
}
