//! Viewers by the number of people they follow.

use anyhow::Context as _;
use nova_domain::UserId;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sqlx::PgPool;
use uuid::Uuid;

/// A kind of viewers by how many they follow, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) name: &'static str,
    pub(super) least: u64,
    pub(super) most: u64,
}

const fn bucket(name: &'static str, least: u64, most: u64) -> Bucket {
    Bucket { name, least, most }
}

/// Each about three times the one before, with a fifth to either side.
pub(super) const BUCKETS: [Bucket; 7] = [
    bucket("0", 0, 0),
    bucket("10", 8, 12),
    bucket("30", 24, 36),
    bucket("100", 80, 120),
    bucket("300", 240, 360),
    bucket("1,000", 800, 1_200),
    bucket("2,000+", 2_000, u64::MAX),
];

/// An ordinary viewer, who there is in a population of any size.
pub(super) const ORDINARY: Bucket = bucket("100", 80, 120);

/// Fewer users than this say nothing of a kind.
const FEWEST: usize = 5;

/// A user, and how many that user follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Degree {
    pub(super) user: UserId,
    pub(super) followees: u64,
}

/// Of all users.
pub(super) async fn read(pool: &PgPool) -> anyhow::Result<Vec<Degree>> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(include_str!("sql/followees.sql"))
        .fetch_all(pool)
        .await
        .context("counting followees")?;
    let degree = |(user, followees)| {
        Ok(Degree {
            user: UserId::new(user),
            followees: u64::try_from(followees)?,
        })
    };
    rows.into_iter().map(degree).collect()
}

/// At most so many users of a kind, drawn from a seed; none where there are hardly any.
pub(super) fn choose(all: &[Degree], bucket: Bucket, most: usize, seed: u64) -> Vec<Degree> {
    let within = bucket.least..=bucket.most;
    let found = all
        .iter()
        .filter(|degree| within.contains(&degree.followees));
    let mut found: Vec<Degree> = found.copied().collect();
    if found.len() < FEWEST {
        return Vec::new();
    }
    found.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(followees: impl Iterator<Item = u64>) -> Vec<Degree> {
        let degree = |(n, followees)| Degree {
            user: UserId::new(Uuid::from_u128(n)),
            followees,
        };
        (0..).zip(followees).map(degree).collect()
    }

    #[test]
    fn kinds_grow_and_do_not_overlap() {
        assert!(BUCKETS.is_sorted_by(|a, b| a.least <= a.most && a.most < b.least));
        assert!(BUCKETS.contains(&ORDINARY));
    }

    #[test]
    fn a_kind_is_who_follows_so_many() {
        let all = users(0..200);
        let chosen = choose(&all, ORDINARY, 1_000, 1);
        assert_eq!(chosen.len(), 41);
        assert!(chosen.iter().all(|one| (80..=120).contains(&one.followees)));
        let some = choose(&all, ORDINARY, 10, 1);
        assert_eq!(some, chosen[..10]);
        assert_ne!(choose(&all, ORDINARY, 10, 2), some);
    }

    #[test]
    fn hardly_anybody_is_no_kind() {
        let [nobody, ..] = BUCKETS;
        assert_eq!(choose(&users([0; 4].into_iter()), nobody, 9, 1), []);
        assert_eq!(choose(&users([0; 5].into_iter()), nobody, 9, 1).len(), 5);
        let [.., many] = BUCKETS;
        assert_eq!(choose(&users(0..200), many, 9, 1), []);
    }
}
