//! How many people are awake: the rate of posting over a day.

/// The rate at an hour of the day (0 ≤ `hour` < 24) relative to the day's mean: 0.2 at 4 o'clock, 1.8 at 16, and 1 on
/// average over the day. Other hours are taken modulo 24.
///
/// ```
/// assert!(nova_simulate::diurnal::rate(4.0) < 0.3);
/// assert!(nova_simulate::diurnal::rate(16.0) > 1.7);
/// ```
#[must_use]
pub fn rate(hour: f64) -> f64 {
    let angle = (hour - 16.0) / 24.0 * std::f64::consts::TAU;
    1.0 + AMPLITUDE * angle.cos()
}

/// The highest rate of the day.
pub const PEAK: f64 = 1.0 + AMPLITUDE;

const AMPLITUDE: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_averages_to_one() {
        let steps = 24 * 60;
        let sum: f64 = (0..steps).map(|m| rate(f64::from(m) / 60.0)).sum();
        assert!((sum / f64::from(steps) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn rates_stay_within_their_bounds(hour in -100.0_f64..100.0) {
            let r = rate(hour);
            prop_assert!((2.0 - PEAK - 1e-9..=PEAK + 1e-9).contains(&r));
            prop_assert!((r - rate(hour + 24.0)).abs() < 1e-9);
        }
    }
}
