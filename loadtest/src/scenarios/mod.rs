//! What the users of the run do, one file for each kind of them.

pub(crate) mod explorer;
pub(crate) mod prober;
pub(crate) mod viewer;
pub(crate) mod writer;

use std::time::Duration;

use goose::goose::GooseUser;
use nova_domain::{PostId, UserId};
use tokio::time::Instant;

use crate::api::{Answer, Ask, Asked, ask};
use crate::arrivals::Queues;
use crate::behaviour::Behaviour;
use crate::measurements::{Measure, Recorder};
use crate::schedule::Phases;
use crate::token::Signer;
use crate::wishes::Wishes;

/// What all users of a run share.
pub(crate) struct Run {
    pub(crate) signer: Signer,
    pub(crate) queues: Queues,
    pub(crate) recorder: Recorder,
    pub(crate) wishes: Wishes,
    pub(crate) behaviour: Behaviour,
    /// To like when nobody wishes to like anything.
    pub(crate) posts: Vec<PostId>,
    pub(crate) begin: Instant,
    pub(crate) phases: Phases,
    /// Likes a second that the prober follows to another user's feed.
    pub(crate) probes: f64,
}

impl Run {
    /// When measuring begins.
    pub(crate) fn measured_from(&self) -> Instant {
        self.begin + self.phases.warm_up
    }

    /// When it ends.
    pub(crate) fn measured_to(&self) -> Instant {
        self.begin + self.phases.total()
    }

    /// Asks, and accounts for the request and its failure. A `measured` of none is the warm-up: nothing counts.
    pub(crate) async fn ask(
        &self,
        user: &mut GooseUser,
        viewer: UserId,
        what: Ask<'_>,
        measured: Option<Duration>,
    ) -> Asked {
        let name = what.name;
        let asked = ask(user, &self.signer, viewer, what).await;
        if let Some(into) = measured {
            self.recorder.request();
            if let Err(reason) = &asked.answer {
                self.recorder.error(name, reason, second(into));
            }
        }
        asked
    }

    /// The same for a request whose latency counts from `due`.
    pub(crate) async fn timed(
        &self,
        user: &mut GooseUser,
        viewer: UserId,
        what: Ask<'_>,
        measure: Measure,
        due: Instant,
        measured: Option<Duration>,
    ) -> Option<Answer> {
        let asked = self.ask(user, viewer, what, measured).await;
        let answer = asked.answer.ok()?;
        if measured.is_some() {
            let (latency, service) = (asked.ended - due, asked.ended - asked.sent);
            self.recorder.took(measure, latency, service);
        }
        Some(answer)
    }
}

/// The second of the measured window.
pub(crate) fn second(measured: Duration) -> usize {
    usize::try_from(measured.as_secs()).unwrap_or(usize::MAX)
}
