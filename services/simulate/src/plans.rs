//! What happens next: an endless, seeded sequence of plans.

use std::time::Duration;

use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::population::Population;
use crate::{diurnal, words};

/// The share of plans that are posts at the mean rate of the day.
const POST_SHARE: f64 = 0.06;
/// The share of plans in which somebody follows or leaves somebody without having seen a post.
const GRAPH_SHARE: f64 = 0.03;

/// What somebody sets out to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Who, as an index into [`Population::people`].
    pub person: usize,
    /// What.
    pub kind: PlanKind,
}

/// The kinds of plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanKind {
    /// Reads the feed and reacts to what it shows.
    Browse,
    /// Posts a video.
    Post(PostPlan),
    /// Follows somebody.
    Follow(usize),
    /// Stops following somebody.
    Unfollow(usize),
}

/// A post to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostPlan {
    /// The caption.
    pub caption: String,
    /// The length.
    pub duration_ms: u32,
    /// Names the media.
    pub key: Uuid,
}

/// Draws plans; the same population, seed and times give the same ones.
#[derive(Debug, Clone)]
pub struct Plans {
    rng: ChaCha8Rng,
    day: Duration,
}

impl Plans {
    /// `day` is how long a day takes; shorter days show the course of one within minutes.
    #[must_use]
    pub fn new(seed: u64, day: Duration) -> Self {
        // Another stream than the population's of the same seed.
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1);
        Self { rng, day }
    }

    /// The next plan, at this time of the simulation (since a midnight). None for an empty population.
    pub fn next(&mut self, population: &Population, now: Duration) -> Option<Plan> {
        let hour = now.as_secs_f64() / self.day.as_secs_f64().max(f64::MIN_POSITIVE) * 24.0;
        let kind = self.rng.random::<f64>();
        let post = POST_SHARE * diurnal::rate(hour);
        if kind < post {
            let person = population.popular(&mut self.rng)?;
            let kind = PlanKind::Post(self.post());
            return Some(Plan { person, kind });
        }
        let person = population.active(&mut self.rng)?;
        let kind = if kind < post + GRAPH_SHARE {
            self.graph(population, person)?
        } else {
            PlanKind::Browse
        };
        Some(Plan { person, kind })
    }

    /// A post to be made by anybody.
    pub fn post(&mut self) -> PostPlan {
        PostPlan {
            caption: words::caption(&mut self.rng),
            duration_ms: self.rng.random_range(5_000..=60_000),
            key: uuid::Builder::from_random_bytes(self.rng.random()).into_uuid(),
        }
    }

    fn graph(&mut self, population: &Population, person: usize) -> Option<PlanKind> {
        let known = &population.people.get(person)?.follows;
        if self.rng.random_bool(0.2) && !known.is_empty() {
            let other = self.rng.random_range(0..known.len());
            return known.get(other).copied().map(PlanKind::Unfollow);
        }
        let other = population.popular(&mut self.rng)?;
        if other == person {
            return Some(PlanKind::Browse);
        }
        Some(PlanKind::Follow(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_seed_is_a_course_of_events() {
        let population = Population::new(50, 42);
        let mut plans = Plans::new(42, DAY);
        let course: Vec<_> = (0..60)
            .filter_map(|n| plans.next(&population, Duration::from_secs(n * 600)))
            .filter(|plan| !matches!(plan.kind, PlanKind::Browse))
            .collect();
        insta::assert_debug_snapshot!(course);
    }

    #[test]
    fn people_post_in_the_afternoon() {
        let population = Population::new(50, 1);
        let mut plans = Plans::new(1, DAY);
        let mut posts_at = |hour: u64| {
            (0..5_000)
                .filter_map(|_| plans.next(&population, Duration::from_secs(hour * 3_600)))
                .filter(|plan| matches!(plan.kind, PlanKind::Post(_)))
                .count()
        };
        let (night, afternoon) = (posts_at(4), posts_at(16));
        assert!(
            night * 5 < afternoon,
            "{night} at night, {afternoon} in the afternoon"
        );
    }

    #[test]
    fn nobody_follows_themselves_and_nobody_is_needed() {
        let population = Population::new(3, 9);
        let mut plans = Plans::new(9, DAY);
        for _ in 0..5_000 {
            let plan = plans.next(&population, Duration::ZERO).unwrap();
            let (PlanKind::Follow(other) | PlanKind::Unfollow(other)) = plan.kind else {
                continue;
            };
            assert_ne!(other, plan.person);
        }
        assert_eq!(plans.next(&Population::new(0, 9), Duration::ZERO), None);
    }
}
