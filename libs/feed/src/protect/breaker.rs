//! A circuit breaker: after a few outages in a row a server is left alone for a moment, then tried by one call.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use failsafe::failure_policy::{ConsecutiveFailures, consecutive_failures};
use failsafe::{Instrument, StateMachine};
use rand::Rng as _;

use super::Outage;
use crate::metrics;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Outages in a row that open it.
    pub failures: u32,
    /// How long it stays open the first time; the actual time is between half of it and all of it.
    pub open: Duration,
    /// The longest time: each probe that fails doubles the time up to here.
    pub open_max: Duration,
}

/// Why a guarded call has no value.
#[derive(Debug)]
pub enum Guarded<E> {
    /// The server was not asked: it is taken to be out.
    Open,
    /// It was, and this came of it.
    Failed(E),
}

/// The breaker of one server. Cheap to clone; clones share their state.
#[derive(Clone)]
pub struct Breaker {
    machine: StateMachine<ConsecutiveFailures<Pauses>, Watch>,
    shared: Arc<Shared>,
}

const CLOSED: u8 = 0;
const HALF_OPEN: u8 = 1;
const OPEN: u8 = 2;

#[derive(Debug)]
struct Shared {
    server: &'static str,
    state: AtomicU8,
    /// Whether a call is under way that tries a server taken to be out.
    probing: AtomicBool,
}

/// Hears of the changes of state.
struct Watch(Arc<Shared>);

/// How long the breaker stays open, each time in a row.
#[derive(Debug, Clone)]
struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(server: &'static str, config: &BreakerConfig) -> Self {
        let shared = Arc::new(Shared {
            server,
            state: AtomicU8::new(CLOSED),
            probing: AtomicBool::new(false),
        });
        let pauses = Pauses {
            next: config.open,
            longest: config.open_max.max(config.open),
        };
        let policy = consecutive_failures(config.failures.max(1), pauses);
        Self {
            machine: StateMachine::new(policy, Watch(Arc::clone(&shared))),
            shared,
        }
    }

    /// Asks the server, unless it is taken to be out. The work has to have a deadline of its own: a call that is
    /// dropped says nothing about the server.
    ///
    /// # Errors
    /// [`Guarded::Open`] at once while the breaker is open, else what the work answers.
    pub async fn call<T, E: Outage>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Guarded<E>> {
        let Some(permit) = self.permit() else {
            return Err(Guarded::Open);
        };
        let result = work.await;
        permit.end(result.as_ref().err().is_some_and(Outage::is_outage));
        result.map_err(Guarded::Failed)
    }

    /// Whether calls are refused at the moment.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.state.load(Ordering::Acquire) == OPEN
    }

    /// Whose breaker it is.
    #[must_use]
    pub fn server(&self) -> &'static str {
        self.shared.server
    }

    /// Leave to ask the server once; none while it is taken to be out and somebody else tries it already.
    pub(crate) fn permit(&self) -> Option<Permit<'_>> {
        if !self.machine.is_call_permitted() {
            return None;
        }
        let probe = self.shared.state.load(Ordering::Acquire) != CLOSED;
        if probe && self.shared.probing.swap(true, Ordering::AcqRel) {
            return None;
        }
        Some(Permit {
            breaker: self,
            probe,
        })
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

/// Leave to ask the server once.
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Permit<'_> {
    /// Says how it went.
    pub(crate) fn end(self, outage: bool) {
        if outage {
            self.breaker.machine.on_error();
        } else {
            self.breaker.machine.on_success();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.shared.probing.store(false, Ordering::Release);
        }
    }
}

impl Watch {
    fn enter(&self, state: u8) {
        self.0.state.store(state, Ordering::Release);
        metrics::breaker_state(self.0.server, state);
    }
}

impl Instrument for Watch {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.enter(OPEN);
        metrics::breaker_opened(self.0.server);
        tracing::warn!(server = self.0.server, "circuit breaker opened");
    }

    fn on_half_open(&self) {
        self.enter(HALF_OPEN);
    }

    fn on_closed(&self) {
        // The machine also says so when it is made.
        if self.0.state.load(Ordering::Acquire) != CLOSED {
            tracing::info!(server = self.0.server, "circuit breaker closed");
        }
        self.enter(CLOSED);
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        // Replicas that saw the same outage must not come back in step.
        Some(pause.mul_f64(rand::rng().random_range(0.5..=1.0)))
    }
}
