//! A total, shared out by Zipf's law.

/// Shares a total among n ranks, the share of rank r (from 0) in proportion to 1 / (r + q). Exact: the shares of all ranks
/// add up to the total. Any share is computed by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curve {
    ranks: f64,
    total: f64,
    q: f64,
}

/// Beyond this, shares are all but equal.
const FLATTEST: f64 = 1e12;

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are below 2^53, where every whole number is a float"
)]
impl Curve {
    /// As steep as it can be while no share exceeds `most`. None when even equal shares do.
    pub(super) fn steepest(ranks: u64, total: u64, most: u64) -> Option<Self> {
        if ranks == 0 || total.div_ceil(ranks) > most {
            return (total == 0).then_some(Self::of(ranks, total, 1.0));
        }
        let (mut low, mut high) = (0.01_f64, FLATTEST);
        for _ in 0..200 {
            let middle = (low * high).sqrt();
            if Self::of(ranks, total, middle).share(0) > most {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(Self::of(ranks, total, high))
    }

    const fn of(ranks: u64, total: u64, q: f64) -> Self {
        Self {
            ranks: ranks as f64,
            total: total as f64,
            q,
        }
    }

    /// What a rank gets.
    pub(super) fn share(&self, rank: u64) -> u64 {
        self.up_to(rank + 1) - self.up_to(rank)
    }

    /// What all ranks before this one get together.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of the total, which is a whole number"
    )]
    fn up_to(&self, rank: u64) -> u64 {
        let part = (rank as f64 / self.q).ln_1p() / (self.ranks / self.q).ln_1p();
        (self.total * part.min(1.0)).floor() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_add_up_and_keep_their_bound(ranks in 1_u64..2_000, total in 0_u64..20_000, most in 1_u64..5_000) {
            match Curve::steepest(ranks, total, most) {
                Some(curve) => {
                    let shares: Vec<u64> = (0..ranks).map(|rank| curve.share(rank)).collect();
                    prop_assert_eq!(shares.iter().sum::<u64>(), total);
                    // Rounding moves one from rank to rank.
                    prop_assert!(shares.iter().all(|share| *share <= most + 1));
                }
                None => prop_assert!(total > ranks * most - ranks.min(total)),
            }
        }
    }

    #[test]
    fn shares_fall_as_one_over_the_rank() {
        let curve = Curve::steepest(2_000_000, 20_000_000, 100_000).unwrap();
        assert!((99_000..=100_000).contains(&curve.share(0)));
        // Least squares of log share over log rank, where shares are neither capped nor rounded to ones.
        let points: Vec<(f64, f64)> = (0..60)
            .map(|n| 1.1_f64.powi(n) * 300.0)
            .map(|rank| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a rank"
                )]
                let share = curve.share(rank as u64);
                #[expect(clippy::cast_precision_loss, reason = "a small count")]
                let share = share as f64;
                (rank.ln(), share.ln())
            })
            .collect();
        let slope = slope(&points);
        assert!((-1.05..-0.9).contains(&slope), "{slope}");
    }

    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    fn slope(points: &[(f64, f64)]) -> f64 {
        let n = points.len() as f64;
        let (x, y) = points
            .iter()
            .fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
        let (above, below) = points.iter().fold((0.0, 0.0), |(a, b), p| {
            (a + (p.0 - x) * (p.1 - y), b + (p.0 - x) * (p.0 - x))
        });
        above / below
    }
}
