//! Waiting for conditions, and what the waiting took.

use std::fmt;
use std::time::Duration;

/// Often enough for a test that waits, seldom enough that tests side by side do not measure each other.
const EVERY: Duration = Duration::from_millis(30);

/// Waits until `condition` gives a value; its error is the last state, told when `limit` is over.
///
/// # Panics
/// When the condition does not hold in time.
pub async fn wait_until<T, F>(what: &str, limit: Duration, condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    poll_until(what, EVERY, limit, condition).await
}

/// As [`wait_until`], looking every so often: the resolution of what is measured with it.
///
/// # Panics
/// When the condition does not hold in time.
pub async fn poll_until<T, F>(
    what: &str,
    every: Duration,
    limit: Duration,
    condition: impl FnMut() -> F,
) -> T
where
    F: Future<Output = Result<T, String>>,
{
    nova_testbed::poll_for(limit, every, condition)
        .await
        .unwrap_or_else(|late| panic!("{what}: {late}"))
}

/// Measured latencies.
#[derive(Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// The quantile `q` of 0 to 1 (nearest rank); zero when nothing was measured.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank in a list of tens"
        )]
        let rank = (q * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted.get(rank - 1).copied().unwrap_or_default()
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.quantile(1.0)
    }
}

/// `n=30 p50=61 ms p95=90 ms max=110 ms`
impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |q| self.quantile(q).as_millis();
        write!(
            f,
            "n={} p50={} ms p95={} ms max={} ms",
            self.0.len(),
            ms(0.5),
            ms(0.95),
            ms(1.0)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut latencies = Latencies::default();
        for ms in (1..=20).rev() {
            latencies.add(Duration::from_millis(ms));
        }
        assert_eq!(latencies.to_string(), "n=20 p50=10 ms p95=19 ms max=20 ms");
        assert_eq!(Latencies::default().quantile(0.5), Duration::ZERO);
    }
}
