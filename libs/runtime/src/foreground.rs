//! Threads of their own for answers that somebody waits for.

use std::io;
use std::sync::Once;

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::runtime::{Builder, Handle, Runtime};

/// What the threads are called, in `top -H` and in traces.
const NAME: &str = "nova-front";

/// A second runtime beside the process's own. What takes a fraction of a millisecond of a processor and is waited for runs here,
/// and never stands behind what takes many on the process's own threads. Work that is under way when it is dropped ends at
/// its next pause.
#[derive(Debug)]
pub struct Foreground {
    handle: Handle,
    /// Taken when it is dropped, only.
    runtime: Option<Runtime>,
}

impl Foreground {
    /// Starts it, with a thread for each processor that the process may use. With `real_time` the kernel lets them run as soon as
    /// they are ready, before everything that is not real-time (`SCHED_RR`, the lowest of its priorities); where that is not
    /// permitted (`CAP_SYS_NICE`, or a limit of `rtprio`) a warning says so, and they run like others.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub fn start(real_time: bool) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.enable_all().thread_name(NAME);
        if real_time {
            builder.on_thread_start(come_first);
        }
        let runtime = builder.build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// To spawn on it, and to make there what drives connections on the runtime it is made in.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        // It is dropped on a thread of the other runtime, which may not wait for threads.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Makes this thread real-time, or tells once that it may not be.
fn come_first() {
    static TOLD: Once = Once::new();
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    if let Err(error) =
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy)
    {
        TOLD.call_once(|| {
            tracing::warn!(
                ?error,
                "NOVA_API_REAL_TIME: threads that answer cannot be real-time; they run like others"
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// The scheduling policy of this thread: field 41 of proc(5); behind the name the first is the third.
    fn policy() -> u32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, after) = stat.rsplit_once(") ").unwrap();
        after.split(' ').nth(38).unwrap().parse().unwrap()
    }

    async fn policy_in(front: &Foreground) -> u32 {
        front.handle().spawn(async { policy() }).await.unwrap()
    }

    #[tokio::test]
    async fn its_threads_are_real_time_where_that_is_asked_for_and_permitted() {
        let (ordinary, round_robin) = (0, 2);
        let permitted = Command::new("chrt").args(["--rr", "1", "true"]).status();
        let asked_for = if permitted.unwrap().success() {
            round_robin
        } else {
            ordinary
        };
        assert_eq!(
            policy_in(&Foreground::start(true).unwrap()).await,
            asked_for
        );
        assert_eq!(
            policy_in(&Foreground::start(false).unwrap()).await,
            ordinary
        );
        assert_eq!(policy(), ordinary);
    }

    #[tokio::test]
    async fn dropping_it_ends_what_runs_there() {
        let front = Foreground::start(false).unwrap();
        let (held, mut released) = oneshot::channel::<()>();
        front.handle().spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert!(
            released
                .try_recv()
                .is_err_and(|error| error == oneshot::error::TryRecvError::Empty)
        );
        drop(front);
        assert!(timeout(PATIENCE, released).await.unwrap().is_err());
    }
}
