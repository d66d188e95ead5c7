//! Who exists, who is popular, and who follows whom.

use std::collections::BTreeSet;

use nova_domain::UserId;
use rand::seq::SliceRandom as _;
use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Zipf};
use uuid::{Uuid, uuid};

/// Namespace of the ids of simulated users.
const USERS: Uuid = uuid!("8d5a0f0e-6a0e-4b0f-9d6b-9a1f5a1c7d11");

/// Exponent of popularity: the share of follows that the user of rank r gets is r^-1.1.
const POPULARITY: f64 = 1.1;
/// Exponent of the number of people somebody follows.
const CURIOSITY: f64 = 1.4;
/// Nobody follows more than this many when the population starts.
const MOST_FOLLOWED: usize = 200;

/// A simulated user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The same for the same number, whatever the seed: populations of different seeds share their users.
    pub id: UserId,
    /// `user_000123`.
    pub handle: String,
    /// `User 123`.
    pub display_name: String,
    /// Whom this user follows from the start, as indices into [`Population::people`].
    pub follows: Vec<usize>,
}

/// A population; the same seed and size give the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Population {
    /// Everybody.
    pub people: Vec<Person>,
    /// Indices, most popular first.
    by_popularity: Vec<usize>,
    /// Indices, most active first; independent of popularity.
    by_activity: Vec<usize>,
}

impl Population {
    /// Makes `size` users. Follows are drawn by a power law on both sides: few are followed by many, few follow many.
    #[must_use]
    pub fn new(size: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut by_popularity: Vec<usize> = (0..size).collect();
        let mut by_activity = by_popularity.clone();
        by_popularity.shuffle(&mut rng);
        by_activity.shuffle(&mut rng);
        let mut population = Self {
            people: (0..size).map(person).collect(),
            by_popularity,
            by_activity,
        };
        for index in 0..size {
            let follows = population.draw_follows(index, &mut rng);
            if let Some(person) = population.people.get_mut(index) {
                person.follows = follows;
            }
        }
        population
    }

    /// A user by popularity: the one of rank r is drawn in proportion to r^-1.1.
    pub fn popular(&self, rng: &mut impl Rng) -> Option<usize> {
        draw(&self.by_popularity, POPULARITY, rng)
    }

    /// A user by activity: some are always there, most are rarely.
    pub fn active(&self, rng: &mut impl Rng) -> Option<usize> {
        draw(&self.by_activity, 0.8, rng)
    }

    fn draw_follows(&self, follower: usize, rng: &mut impl Rng) -> Vec<usize> {
        let most = MOST_FOLLOWED.min(self.people.len().saturating_sub(1));
        if most == 0 {
            return Vec::new();
        }
        let wanted = zipf(most, CURIOSITY, rng) + 2;
        let mut follows = BTreeSet::new();
        // The popular ones are drawn again and again: a bound on the tries, not on the luck.
        for _ in 0..wanted * 8 {
            if follows.len() >= wanted.min(most) {
                break;
            }
            if let Some(followee) = self.popular(rng)
                && followee != follower
            {
                follows.insert(followee);
            }
        }
        follows.into_iter().collect()
    }
}

fn person(index: usize) -> Person {
    Person {
        id: UserId::new(Uuid::new_v5(&USERS, format!("user {index}").as_bytes())),
        handle: format!("user_{index:06}"),
        display_name: format!("User {index}"),
        follows: Vec::new(),
    }
}

fn draw(ranked: &[usize], exponent: f64, rng: &mut impl Rng) -> Option<usize> {
    if ranked.is_empty() {
        return None;
    }
    ranked.get(zipf(ranked.len(), exponent, rng) - 1).copied()
}

/// A rank of 1 to `n` (at least 1), rank r with a probability in proportion to r^-exponent.
fn zipf(n: usize, exponent: f64, rng: &mut impl Rng) -> usize {
    let size = u32::try_from(n).map_or(f64::from(u32::MAX), f64::from);
    let Ok(zipf) = Zipf::new(size, exponent) else {
        return 1;
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a sample is a whole number from 1 to n"
    )]
    let rank = zipf.sample(rng) as usize;
    rank.clamp(1, n.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn follows_are_few_to_many() {
        let population = Population::new(2_000, 7);
        let mut followers = vec![0_usize; 2_000];
        for person in &population.people {
            for followee in &person.follows {
                followers[*followee] += 1;
            }
        }
        followers.sort_unstable_by(|a, b| b.cmp(a));
        let all: usize = followers.iter().sum();
        let top: usize = followers.iter().take(20).sum();
        assert!(all > 2_000 * 2, "everybody follows somebody: {all}");
        assert!(
            top * 4 > all,
            "1 % of the users have a quarter of the followers: {top} of {all}"
        );
        assert!(
            followers[1_000] <= 5,
            "the median user has few: {}",
            followers[1_000]
        );
    }

    #[test]
    fn a_seed_is_a_population() {
        let population = Population::new(6, 42);
        assert_eq!(population, Population::new(6, 42));
        insta::assert_debug_snapshot!(population);
    }

    proptest! {
        #[test]
        fn any_population_is_well_formed(size in 0_usize..60, seed in any::<u64>()) {
            let population = Population::new(size, seed);
            prop_assert_eq!(population.people.len(), size);
            for (index, person) in population.people.iter().enumerate() {
                let distinct: BTreeSet<_> = person.follows.iter().collect();
                prop_assert_eq!(distinct.len(), person.follows.len());
                prop_assert!(person.follows.iter().all(|f| *f != index && *f < size));
                prop_assert!(nova_domain::Handle::parse(person.handle.clone()).is_ok());
            }
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            prop_assert_eq!(population.popular(&mut rng).is_none(), size == 0);
            prop_assert_eq!(population.active(&mut rng).is_none(), size == 0);
        }
    }
}
