//! Who follows whom: 5 % follow nobody, 2 % more than a thousand, the others one to a thousand, by Zipf's law. Whom they
//! follow is drawn by the same law, flattened so that nobody is followed by more than half of the users.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use nova_social::bulk::FollowRow;
use rand::Rng as _;

use super::curve::Curve;
use super::draw::{Seed, What};
use super::model::{Model, micros, part_of};
use super::permutation::Permutation;
use super::size::Size;

/// More than this many are very many.
const MANY: u64 = 1_000;

/// Of all follows, those of the curious beyond the first thousand and one of each: one in this many.
const BEYOND_MANY: u64 = 20;

/// Draws that it takes to find a different followee, on average. Measured at M.
const DRAWS: f64 = 1.15;

/// How many each user follows, exactly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Degrees {
    curiosity: Permutation,
    nobody: u64,
    curious: u64,
    beyond: Curve,
    others: Curve,
}

impl Degrees {
    /// None when the follows cannot be shared out like that.
    pub(super) fn new(seed: &Seed, size: &Size) -> Option<Self> {
        let users = u64::from(size.users);
        let nobody = users / 20;
        // In small populations nobody can follow a thousand, or nothing would be left for the others.
        let possible = users > 5 * MANY && users / 50 * (MANY + 1) * 2 < size.follows;
        let curious = if possible { users / 50 } else { 0 };
        let beyond = if possible {
            size.follows / BEYOND_MANY
        } else {
            0
        };
        let others = users - nobody - curious;
        let left = size
            .follows
            .checked_sub(curious * (MANY + 1) + beyond)?
            .checked_sub(others)?;
        Some(Self {
            curiosity: Permutation::new(users, seed.key(What::Curiosity, 0)),
            nobody,
            curious,
            beyond: Curve::steepest(curious, beyond, (users / 2).saturating_sub(MANY).min(4_000))?,
            // One more is added by rounding, and everybody follows one.
            others: Curve::steepest(others, left, (MANY - 2).min(users - 3))?,
        })
    }

    /// How many a user follows.
    pub(super) fn of(&self, user: u32) -> u64 {
        let rank = self.curiosity.at(u64::from(user));
        match rank.checked_sub(self.nobody) {
            None => 0,
            Some(rank) if rank < self.curious => MANY + 1 + self.beyond.share(rank),
            Some(rank) => 1 + self.others.share(rank - self.curious),
        }
    }
}

/// Whom they follow: the user of popularity rank r with a probability in proportion to 1 / (r + q).
#[derive(Debug, Clone, Copy)]
pub(super) struct Followees {
    popularity: Permutation,
    users: u32,
    q: f64,
}

impl Followees {
    /// As uneven as it can be while the first one is followed by 45 % of the users.
    pub(super) fn new(popularity: Permutation, users: u32, degrees: &Degrees) -> Self {
        let mut by_degree: BTreeMap<u64, u32> = BTreeMap::new();
        for user in 0..users {
            *by_degree.entry(degrees.of(user)).or_default() += 1;
        }
        let most = f64::from(users) * 0.45;
        let (mut low, mut high) = (0.01_f64, 1e9_f64);
        for _ in 0..100 {
            let q = (low * high).sqrt();
            let first = (1.0 / q).ln_1p() / (f64::from(users) / q).ln_1p();
            let expected: f64 = by_degree
                .iter()
                .map(|(degree, count)| {
                    #[expect(clippy::cast_precision_loss, reason = "a small number")]
                    let draws = *degree as f64 * DRAWS;
                    f64::from(*count) * (1.0 - (1.0 - first).powf(draws))
                })
                .sum();
            if expected > most {
                low = q;
            } else {
                high = q;
            }
        }
        Self {
            popularity,
            users,
            q: high,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank below the number of users"
    )]
    fn draw(&self, part: f64) -> u32 {
        let all = (f64::from(self.users) / self.q).ln_1p();
        let rank = (self.q * (part * all).exp_m1()) as u64;
        self.popularity.at(rank.min(u64::from(self.users) - 1)) as u32
    }
}

impl Model {
    /// How many a user follows.
    #[must_use]
    pub fn follow_count(&self, user: u32) -> u64 {
        self.degrees.of(user)
    }

    /// The follows of these users, in order of (follower, followee).
    #[must_use]
    pub fn follows(&self, followers: Range<u32>) -> Vec<FollowRow> {
        let mut rows = Vec::new();
        for follower in followers {
            self.follows_of(follower, &mut rows);
        }
        rows
    }

    fn follows_of(&self, follower: u32, rows: &mut Vec<FollowRow>) {
        let count = usize::try_from(self.degrees.of(follower)).unwrap_or(usize::MAX);
        let mut generator = self.seed.of(What::Follow, follower);
        let mut found = HashSet::with_capacity(count + 1);
        found.insert(follower);
        let mut followees = Vec::with_capacity(count);
        while followees.len() < count {
            let followee = self.followees.draw(generator.random());
            if found.insert(followee) {
                followees.push(followee);
            }
        }
        followees.sort_unstable();
        for followee in followees {
            // Since both are there, which the later id says.
            let from = self.accounts.at(follower.max(followee)) * 1_000;
            let at = from + part_of(self.base * 1_000 - from, generator.random());
            rows.push(FollowRow {
                follower_id: self.user(follower),
                followee_id: self.user(followee),
                created_at: micros(at),
            });
        }
    }
}
