//! When a job runs: pure.

use std::time::Duration;

use rand::Rng;

/// The wait before the first run: up to a tenth of the interval, so that replicas started together do not run together.
pub(crate) fn first(interval: Duration, rng: &mut impl Rng) -> Duration {
    interval.mul_f64(rng.random_range(0.0..=0.1))
}

/// From the beginning of one run to that of the next: the interval, a tenth more or less.
pub(crate) fn period(interval: Duration, rng: &mut impl Rng) -> Duration {
    interval.mul_f64(rng.random_range(0.9..=1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_tenth_and_is_not_constant() {
        let minute = Duration::from_secs(60);
        let mut rng = rand::rng();
        let firsts: Vec<Duration> = (0..1_000).map(|_| first(minute, &mut rng)).collect();
        assert!(firsts.iter().all(|wait| *wait <= minute / 10));
        let periods: Vec<Duration> = (0..1_000).map(|_| period(minute, &mut rng)).collect();
        assert!(
            periods
                .iter()
                .all(|p| (minute.mul_f64(0.9)..=minute.mul_f64(1.1)).contains(p))
        );
        for spread in [firsts, periods] {
            let range = *spread.iter().max().unwrap() - *spread.iter().min().unwrap();
            assert!(range > Duration::from_secs(4), "{range:?}");
        }
    }
}
