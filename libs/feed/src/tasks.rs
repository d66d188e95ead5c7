//! Work that outlives who asked for it.

use std::future::Future;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Spawns tasks on a runtime, or where they are asked for if there is none; a tracker waits for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    runtime: Option<Handle>,
}

impl Tasks {
    pub(crate) const fn new(tracker: TaskTracker, runtime: Option<Handle>) -> Self {
        Self { tracker, runtime }
    }

    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match &self.runtime {
            Some(runtime) => self.tracker.spawn_on(work, runtime),
            None => self.tracker.spawn(work),
        };
    }
}
