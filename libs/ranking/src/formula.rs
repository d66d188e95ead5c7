//! The three terms of a score.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::config::FormulaConfig;

/// What everybody did with a post, all time, each user's like counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Live likes.
    pub likes: u64,
    /// Live comments.
    pub comments: u64,
    /// Shares.
    pub shares: u64,
    /// How often the post was on a screen.
    pub impressions: u64,
}

/// Everything a score is made of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Age of the post in hours; below 0 (a clock ahead of ours) counts as 0.
    pub age_hours: f64,
    /// What everybody did with it.
    pub counts: Counts,
    /// The viewer's live interactions with its author in the last 90 days.
    pub interactions: u64,
}

/// A score and the terms it is the weighted sum of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// `exp(-decay_per_hour * age_hours)`: 1 for a new post, towards 0 with age.
    pub freshness: f64,
    /// `ln(1 + engagement rate)`, from 0.
    pub engagement: f64,
    /// `ln(1 + interactions)`, from 0.
    pub affinity: f64,
    /// The weighted sum.
    pub score: f64,
}

impl Terms {
    /// Scores one post by a validated configuration: finite for every finite age.
    #[must_use]
    pub fn of(features: &Features, config: &FormulaConfig) -> Self {
        let freshness = freshness(features.age_hours, config);
        let engagement = engagement_rate(&features.counts, config).ln_1p();
        let affinity = real(features.interactions).ln_1p();
        let weights = &config.weights;
        Self {
            freshness,
            engagement,
            affinity,
            score: weights.freshness * freshness
                + weights.engagement * engagement
                + weights.affinity * affinity,
        }
    }
}

/// The score of the hot list, which knows no viewer: the weighted engagement and freshness alone
/// (`0.40*engagement + 0.30*freshness` by default).
#[must_use]
pub fn hot_score(age_hours: f64, counts: &Counts, config: &FormulaConfig) -> f64 {
    config.weights.engagement * engagement_rate(counts, config).ln_1p()
        + config.weights.freshness * freshness(age_hours, config)
}

/// `(likes + 2*comments + 3*shares) / max(impressions, 1)`: what engagement is the logarithm of. The logarithm is
/// increasing, so ordering by the rate is ordering by engagement.
#[must_use]
pub fn engagement_rate(counts: &Counts, config: &FormulaConfig) -> f64 {
    let weighted = real(counts.likes)
        + config.comment_weight * real(counts.comments)
        + config.share_weight * real(counts.shares);
    weighted / real(counts.impressions.max(1))
}

/// Age of a post in hours, to the microsecond; negative when it is dated after `now`.
#[must_use]
pub fn age_hours(created_at: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    const MICROSECONDS_PER_HOUR: f64 = 3_600_000_000.0;
    let age: TimeDelta = now - created_at;
    // Beyond 292,000 years the count of microseconds does not fit; hours then are exact enough.
    age.num_microseconds().map_or_else(
        || real_signed(age.num_hours()),
        |us| real_signed(us) / MICROSECONDS_PER_HOUR,
    )
}

/// A NaN age stays NaN (`f64::max` would turn it into the freshest of all): it then sinks in the order.
fn freshness(age_hours: f64, config: &FormulaConfig) -> f64 {
    let age = if age_hours < 0.0 { 0.0 } else { age_hours };
    (-config.decay_per_hour * age).exp()
}

/// Exact up to 2^53, then rounded to the nearest: counts beyond it do not occur, but must not trap.
fn real(count: u64) -> f64 {
    count as f64
}

fn real_signed(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> Features {
        Features {
            age_hours: 0.0,
            counts: Counts::default(),
            interactions: 0,
        }
    }

    #[test]
    fn a_new_post_that_nobody_touched_scores_its_freshness() {
        let terms = Terms::of(&features(), &FormulaConfig::default());
        assert_eq!(
            (terms.freshness, terms.engagement, terms.affinity),
            (1.0, 0.0, 0.0)
        );
        assert!((terms.score - 0.30).abs() < 1e-12);
    }

    #[test]
    fn the_formula_as_it_is_written() {
        let f = Features {
            age_hours: 10.0,
            counts: Counts {
                likes: 5,
                comments: 4,
                shares: 3,
                impressions: 11,
            },
            interactions: 7,
        };
        let terms = Terms::of(&f, &FormulaConfig::default());
        assert!((terms.freshness - (-1.0_f64).exp()).abs() < 1e-12);
        assert!((terms.engagement - (1.0_f64 + 22.0 / 11.0).ln()).abs() < 1e-12);
        assert!((terms.affinity - 8.0_f64.ln()).abs() < 1e-12);
        let hot = hot_score(f.age_hours, &f.counts, &FormulaConfig::default());
        assert!((terms.score - 0.30 * 8.0_f64.ln() - hot).abs() < 1e-12);
    }

    #[test]
    fn a_post_from_the_future_is_new_not_fresher_than_new() {
        let mut f = features();
        f.age_hours = -1000.0;
        assert_eq!(
            Terms::of(&f, &FormulaConfig::default())
                .freshness
                .total_cmp(&1.0),
            std::cmp::Ordering::Equal
        );
    }

    #[test]
    fn a_nan_age_gives_a_nan_score() {
        let mut f = features();
        f.age_hours = f64::NAN;
        assert!(Terms::of(&f, &FormulaConfig::default()).score.is_nan());
    }

    #[test]
    fn age_is_exact_to_the_microsecond() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert!((age_hours(now - TimeDelta::minutes(90), now) - 1.5).abs() < 1e-12);
        assert!((age_hours(now + TimeDelta::hours(2), now) + 2.0).abs() < 1e-12);
        assert!(age_hours(now - TimeDelta::microseconds(1), now) > 0.0);
        assert!(age_hours(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC).is_finite());
    }
}
