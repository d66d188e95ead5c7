//! One log line per degraded answer, but not a flood of them: an outage lasts longer than it takes to read about it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::answer::FeedPage;

/// Lines within [`WINDOW`]; what is more is counted and told with the next line.
const LINES: u32 = 5;
const WINDOW: Duration = Duration::from_secs(1);

/// Bounds the lines of one process.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    window: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl Complaints {
    /// Logs that an answer lacks something.
    pub(crate) fn about(&self, page: &FeedPage) {
        let Some(left_out) = self.line() else { return };
        let degraded: Vec<String> = page.degraded.iter().map(ToString::to_string).collect();
        tracing::warn!(
            degraded = degraded.join(","),
            served_from = page.served_from.as_str(),
            items = page.items.len(),
            lines_left_out = left_out,
            "a feed was served without something"
        );
    }

    /// Whether a line may be logged now, and how many were not since the last one.
    fn line(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.window.is_none_or(|since| since.elapsed() >= WINDOW) {
            state.window = Some(Instant::now());
            state.lines = 0;
        }
        if state.lines < LINES {
            state.lines += 1;
            Some(std::mem::take(&mut state.left_out))
        } else {
            state.left_out += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_told_of_and_does_not_flood_the_log() {
        let complaints = Complaints::default();
        let told = (0..100).filter(|_| complaints.line().is_some()).count();
        assert_eq!(told, 5);
        tokio::time::advance(WINDOW).await;
        assert_eq!(complaints.line(), Some(95));
        assert_eq!(complaints.line(), Some(0));
    }
}
