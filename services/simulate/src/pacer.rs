//! Spreads actions evenly at a given rate.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Hands out one slot after another, `rate` of them a second. Shared by all workers.
#[derive(Debug)]
pub(crate) struct Pacer {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pacer {
    /// A rate of 0 or less, or one that is no number, does not slow anything down.
    pub(crate) fn new(rate: f64) -> Self {
        let gap = if rate > 0.0 {
            Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::ZERO)
        } else {
            Duration::ZERO
        };
        let next = Mutex::new(Instant::now());
        Self { gap, next }
    }

    /// Waits for the next slot. Slots that nobody took in time are lost: after a stall there is no burst.
    pub(crate) async fn slot(&self) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (*next).max(Instant::now());
            *next = at + self.gap;
            at
        };
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn slots_come_at_the_rate_and_stalls_are_not_made_up_for() {
        let pacer = Pacer::new(100.0);
        let start = Instant::now();
        for _ in 0..101 {
            pacer.slot().await;
        }
        assert_eq!(start.elapsed().as_millis(), 1_000);
        tokio::time::advance(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..11 {
            pacer.slot().await;
        }
        assert_eq!(start.elapsed().as_millis(), 100);
    }
}
