//! The life of a process: tasks that must not end, a signal to stop, a bounded drain.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Tells tasks to stop, and whoever asks that it was told.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal that nobody has given yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everybody to stop. Asking again changes nothing.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Waits until someone asks to stop.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Whether someone has asked to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Why a process ended other than by being told to, and cleanly.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// A task that runs for as long as the process returned.
    #[error("{task} ended by itself")]
    Ended {
        /// The task.
        task: &'static str,
    },
    /// A task failed.
    #[error("{task} failed")]
    Failed {
        /// The task.
        task: &'static str,
        /// Why.
        source: BoxError,
    },
    /// A task panicked; the panic's text is on stderr.
    #[error("{task} panicked")]
    Panicked {
        /// The task.
        task: &'static str,
    },
    /// Some work was not done when the drain ended; it was cut off.
    #[error("still running {after:?} after the signal to stop: {}", tasks.join(", "))]
    Undrained {
        /// The tasks, by name.
        tasks: Vec<&'static str>,
        /// The drain.
        after: Duration,
    },
    /// Signals cannot be listened for.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
}

/// Owns the long tasks of a process. A task that ends before the signal to stop ends them all.
#[derive(Debug, Default)]
pub struct Lifecycle {
    shutdown: Shutdown,
    tasks: JoinSet<Result<(), BoxError>>,
    names: HashMap<Id, &'static str>,
}

impl Lifecycle {
    /// No tasks yet; stops only when told by [`Lifecycle::shutdown`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`Lifecycle::new`], and stops on SIGTERM and SIGINT. A second signal ends the process at once.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn with_signals() -> Result<Self, LifecycleError> {
        use tokio::signal::unix::{SignalKind, signal};

        let lifecycle = Self::new();
        let mut terminate = signal(SignalKind::terminate()).map_err(LifecycleError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(LifecycleError::Signals)?;
        let shutdown = lifecycle.shutdown();
        tokio::spawn(async move {
            for asked in ["stopping", "stopping at once"] {
                let (name, number) = tokio::select! {
                    _ = terminate.recv() => ("SIGTERM", 15),
                    _ = interrupt.recv() => ("SIGINT", 2),
                };
                tracing::info!(signal = name, "{asked}");
                if shutdown.is_requested() {
                    std::process::exit(128 + number);
                }
                shutdown.request();
            }
        });
        Ok(lifecycle)
    }

    /// The signal to stop, to hand to tasks.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Starts a task that is to run until the signal to stop, and to end soon after.
    pub fn spawn<F, E>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let handle = self
            .tasks
            .spawn(async move { task.await.map_err(Into::into) });
        self.names.insert(handle.id(), name);
    }

    /// Waits for the signal to stop or the first task that ends, tells all tasks to stop, and waits for them at most
    /// `drain`; what still runs then is cut off.
    ///
    /// # Errors
    /// The first thing that went wrong, unless every task ended well after the signal.
    pub async fn run(mut self, drain: Duration) -> Result<(), LifecycleError> {
        let mut first = None;
        tokio::select! {
            () = self.shutdown.requested() => {}
            Some(joined) = self.tasks.join_next_with_id() => {
                first = Some(self.describe(joined, true));
            }
        }
        self.shutdown.request();
        let deadline = tokio::time::Instant::now() + drain;
        while let Ok(Some(joined)) =
            tokio::time::timeout_at(deadline, self.tasks.join_next_with_id()).await
        {
            let ended = self.describe(joined, false);
            // The first failure is the cause; those that follow are told, not returned.
            if let (Some(_), Err(error)) = (&first, &ended) {
                tracing::warn!(error = error as &dyn std::error::Error, "while stopping");
            }
            first = first.or_else(|| ended.is_err().then_some(ended));
        }
        let left: Vec<_> = self.names.into_values().collect();
        if !left.is_empty() {
            self.tasks.shutdown().await;
            let undrained = LifecycleError::Undrained {
                tasks: left,
                after: drain,
            };
            first = first.or(Some(Err(undrained)));
        }
        first.unwrap_or(Ok(()))
    }

    fn describe(
        &mut self,
        joined: Result<(Id, Result<(), BoxError>), JoinError>,
        unasked: bool,
    ) -> Result<(), LifecycleError> {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let task = self.names.remove(&id).unwrap_or("a task");
        match joined {
            Ok((_, Ok(()))) if unasked && !self.shutdown.is_requested() => {
                Err(LifecycleError::Ended { task })
            }
            Ok((_, Ok(()))) => Ok(()),
            Ok((_, Err(source))) => Err(LifecycleError::Failed { task, source }),
            Err(_panic) => Err(LifecycleError::Panicked { task }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    async fn until_told(shutdown: Shutdown) -> Result<(), std::io::Error> {
        shutdown.requested().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_process_that_is_told_to_stop_ends_well() {
        let mut lifecycle = Lifecycle::new();
        let shutdown = lifecycle.shutdown();
        lifecycle.spawn("server", until_told(shutdown.clone()));
        lifecycle.spawn("worker", until_told(shutdown.clone()));
        shutdown.request();
        lifecycle.run(SOON).await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_ends_all() {
        let mut lifecycle = Lifecycle::new();
        let shutdown = lifecycle.shutdown();
        lifecycle.spawn("server", until_told(shutdown.clone()));
        lifecycle.spawn("worker", async { Ok::<(), std::io::Error>(()) });
        let error = lifecycle.run(SOON).await.unwrap_err();
        assert_eq!(error.to_string(), "worker ended by itself");
        assert!(shutdown.is_requested());
    }

    #[tokio::test]
    async fn a_failure_is_told_with_its_cause() {
        let mut lifecycle = Lifecycle::new();
        lifecycle.spawn("worker", async {
            Err::<(), _>(std::io::Error::other("disk full"))
        });
        let error = lifecycle.run(SOON).await.unwrap_err();
        assert_eq!(error.to_string(), "worker failed");
        assert_eq!(
            std::error::Error::source(&error).unwrap().to_string(),
            "disk full"
        );
    }

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let mut lifecycle = Lifecycle::new();
        lifecycle.spawn("worker", async {
            if Shutdown::new().is_requested() {
                return Ok::<(), std::io::Error>(());
            }
            panic!("boom")
        });
        assert!(matches!(
            lifecycle.run(SOON).await,
            Err(LifecycleError::Panicked { task: "worker" })
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn the_drain_is_bounded() {
        let mut lifecycle = Lifecycle::new();
        let shutdown = lifecycle.shutdown();
        lifecycle.spawn("server", until_told(shutdown.clone()));
        lifecycle.spawn(
            "stuck",
            std::future::pending::<Result<(), std::io::Error>>(),
        );
        shutdown.request();
        let error = lifecycle.run(SOON).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "still running 5s after the signal to stop: stuck"
        );
    }
}
