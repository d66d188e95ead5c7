//! Waiting for a condition, never for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(25);

/// The condition did not hold in time; `last` is what it answered last.
#[derive(Debug, thiserror::Error)]
#[error("not within {within:.1?}; last state: {last}")]
pub struct TimedOut {
    /// How long it was waited for.
    pub within: Duration,
    /// The last answer.
    pub last: String,
}

/// Asks `condition` until it answers `Ok`, at most for `within`.
///
/// The condition's error says what is still missing, and is the text of the time-out.
///
/// # Errors
/// When the condition did not hold in time.
pub async fn wait_for<T, F, A>(within: Duration, condition: F) -> Result<T, TimedOut>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, String>>,
{
    poll_for(within, INTERVAL, condition).await
}

/// As [`wait_for`], asking every so often: the resolution of what is measured with it.
///
/// # Errors
/// When the condition did not hold in time.
pub async fn poll_for<T, F, A>(
    within: Duration,
    every: Duration,
    mut condition: F,
) -> Result<T, TimedOut>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + within;
    let mut last = "never asked".to_owned();
    loop {
        match timeout_at(deadline, condition()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(state)) => last = state,
            Err(_) => {
                last.push_str("; then no answer");
                return Err(TimedOut { within, last });
            }
        }
        if Instant::now() + every >= deadline {
            return Err(TimedOut { within, last });
        }
        sleep(every).await;
    }
}
