//! The total order of scored candidates.

use std::cmp::Ordering;

use nova_domain::{Candidate, SourceSet};

use crate::formula::{Features, Terms};

/// A scored candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The post.
    pub candidate: Candidate,
    /// Who proposed it.
    pub sources: SourceSet,
    /// What it was scored by.
    pub features: Features,
    /// Its score and terms.
    pub terms: Terms,
}

/// Best first: score descending with NaN last, then newer first, then greater post id first. No two posts are equal, so
/// sorting a merged list (each post once) has one result, whatever the order of the input.
#[must_use]
pub fn rank_order(a: &Ranked, b: &Ranked) -> Ordering {
    by_score(a.terms.score, b.terms.score)
        .then_with(|| b.candidate.created_at.cmp(&a.candidate.created_at))
        .then_with(|| b.candidate.post_id.cmp(&a.candidate.post_id))
}

/// Sorts candidates best first.
pub fn order(ranked: &mut [Ranked]) {
    // No two posts are equal, so the unstable sort loses nothing.
    ranked.sort_unstable_by(rank_order);
}

/// Descending; every NaN, of either sign, after every number; 0.0 and -0.0 are one score.
fn by_score(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        // `total_cmp` puts -0.0 below 0.0; adding 0.0 makes both 0.0.
        (false, false) => (b + 0.0).total_cmp(&(a + 0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_of_either_sign_comes_after_every_number() {
        for nan in [f64::NAN, -f64::NAN] {
            for number in [f64::NEG_INFINITY, -1.0, 0.0, 1.0, f64::INFINITY] {
                assert_eq!(by_score(number, nan), Ordering::Less);
                assert_eq!(by_score(nan, number), Ordering::Greater);
            }
        }
        assert_eq!(by_score(f64::NAN, -f64::NAN), Ordering::Equal);
        assert_eq!(by_score(0.0, -0.0), Ordering::Equal);
    }
}
