//! What everything else is computed from.

use chrono::{DateTime, Utc};
use nova_domain::UserId;

use super::curve::Curve;
use super::draw::{Seed, What};
use super::fans::Crowd;
use super::follows::{Degrees, Followees};
use super::history::{Spread, Week, accounts};
use super::people;
use super::permutation::Permutation;
use super::size::{Size, SizeError};

/// A population: a function of size, seed and base time. Holds 16 bytes a user.
///
/// Users and posts are numbered in order of their ids, which are made of their times. The rows of any range of numbers
/// are made without those before.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) size: Size,
    pub(super) number: u64,
    pub(super) seed: Seed,
    /// Milliseconds since 1970.
    pub(super) base: i64,
    pub(super) accounts: Spread,
    pub(super) week: Week,
    users: Vec<UserId>,
    /// Users, the most popular first.
    pub(super) popularity: Permutation,
    pub(super) degrees: Degrees,
    pub(super) followees: Followees,
    pub(super) crowd: Crowd,
    /// The rank of each post by likes.
    pub(super) post_rank: Permutation,
    pub(super) likes: Curve,
    pub(super) comments: Curve,
    pub(super) events: Curve,
}

impl Model {
    /// The population of this size and seed, of which everything happened before `base` (taken to the millisecond).
    /// Takes 0.3 s for a million users.
    ///
    /// # Errors
    /// [`SizeError`] for sizes that cannot be shared out.
    pub fn new(size: Size, seed: u64, base: DateTime<Utc>) -> Result<Self, SizeError> {
        size.check()?;
        let number = seed;
        let seed = Seed::new(seed);
        let base = base.timestamp_millis();
        let (all_users, posts) = (u64::from(size.users), u64::from(size.posts));
        let accounts = accounts(base, size.users, seed.key(What::User, 0));
        let popularity = Permutation::new(all_users, seed.key(What::Popularity, 0));
        let degrees = Degrees::new(&seed, &size).ok_or(SizeError::FOLLOWS)?;
        let curve = |total: u64, most: u64| {
            // Rounding adds one, and twice the mean is always possible.
            let most = (most - 1).max(2 * total.div_ceil(posts));
            Curve::steepest(posts, total, most).ok_or(SizeError::ENGAGEMENT)
        };
        Ok(Self {
            number,
            base,
            week: Week::before(base, size.posts, seed.key(What::Post, 0)),
            users: people::ids(&seed, &accounts),
            accounts,
            popularity,
            followees: Followees::new(popularity, size.users, &degrees),
            degrees,
            crowd: Crowd::new(&seed, size.users),
            post_rank: Permutation::new(posts, seed.key(What::PostRank, 0)),
            likes: curve(size.likes, all_users / 2)?,
            comments: curve(size.comments, all_users / 20)?,
            events: curve(size.events, all_users / 2)?,
            seed,
            size,
        })
    }

    /// Its numbers of rows.
    #[must_use]
    pub const fn size(&self) -> &Size {
        &self.size
    }

    /// The id of a user; of the last one for a number that is too large.
    #[must_use]
    pub fn user(&self, index: u32) -> UserId {
        let index = (index as usize).min(self.users.len().saturating_sub(1));
        self.users[index]
    }

    /// How long after a post something happens, given an even draw: most of it soon. Microseconds.
    pub(super) fn soon(&self, posted: i64, part: f64) -> i64 {
        part_of(self.base * 1_000 - posted, part * part)
    }
}

/// A part (0 to 1, exclusive) of a time that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "microseconds of some years"
)]
pub(super) fn part_of(whole: i64, part: f64) -> i64 {
    (whole as f64 * part) as i64
}

/// A time of the model.
pub(super) fn millis(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at).unwrap_or_default()
}

/// A time of the model.
pub(super) fn micros(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at).unwrap_or_default()
}
