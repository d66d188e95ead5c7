//! Whether what was written is there, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use nova_domain::PostId;
use serde::Serialize;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::pipeline::{ClickHouse, Writer};

/// Posts of one question: ClickHouse takes 256 KiB of a query.
const POSTS: usize = 4_000;
/// Between two looks, each of which reads what posts have.
const LOOK: Duration = Duration::from_secs(2);
/// For the last of them.
const PATIENCE: Duration = Duration::from_secs(60);

/// Likes of the posts that were liked, on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Equality {
    /// Posts compared, one by one.
    pub posts: usize,
    /// Likes that they have in PostgreSQL.
    pub postgres: u64,
    /// Live likes that they have in ClickHouse.
    pub clickhouse: u64,
    /// Posts with other numbers on the two sides.
    pub differ: usize,
    /// Messages that ClickHouse has put aside since the stack began.
    pub dead_letters: u64,
}

impl Equality {
    /// Whether nothing is missing, doubled, or put aside.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.differ == 0 && self.dead_letters == 0
    }

    fn of(
        postgres: &BTreeMap<Uuid, u64>,
        clickhouse: &BTreeMap<Uuid, u64>,
        dead_letters: u64,
    ) -> Self {
        let posts: BTreeSet<&Uuid> = postgres.keys().chain(clickhouse.keys()).collect();
        let differ = posts.iter();
        let differ = differ.filter(|post| postgres.get(**post) != clickhouse.get(**post));
        Self {
            posts: posts.len(),
            postgres: postgres.values().sum(),
            clickhouse: clickhouse.values().sum(),
            differ: differ.count(),
            dead_letters,
        }
    }

    /// Compares until it holds, for a minute at most.
    pub(super) async fn reached(
        writer: &Writer,
        clickhouse: &ClickHouse,
        posts: &[PostId],
    ) -> anyhow::Result<Self> {
        let until = Instant::now() + PATIENCE;
        loop {
            let there = writer.count(posts).await?;
            let arrived = count(clickhouse, posts).await?;
            let aside = clickhouse.number("SELECT count() FROM dead_letters FINAL");
            let found = Self::of(&there, &arrived, aside.await?);
            if found.holds() || Instant::now() >= until {
                return Ok(found);
            }
            sleep(LOOK).await;
        }
    }
}

/// Live likes of each of the posts; posts without any are left out.
async fn count(clickhouse: &ClickHouse, posts: &[PostId]) -> anyhow::Result<BTreeMap<Uuid, u64>> {
    let mut counts = BTreeMap::new();
    for posts in posts.chunks(POSTS) {
        let ids: Vec<String> = posts
            .iter()
            .map(|post| format!("'{}'", post.uuid()))
            .collect();
        let query = format!(
            "SELECT post_id, count() FROM likes_cdc FINAL WHERE post_id IN ({}) GROUP BY post_id",
            ids.join(",")
        );
        for line in clickhouse.text(&query).await?.lines() {
            let (post, count) = line.split_once('\t').context("two columns")?;
            counts.insert(post.parse()?, count.parse()?);
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(u128, u64)]) -> BTreeMap<Uuid, u64> {
        let of = of
            .iter()
            .map(|(post, count)| (Uuid::from_u128(*post), *count));
        of.collect()
    }

    #[test]
    fn it_holds_post_by_post() {
        let same = counts(&[(1, 5), (2, 7)]);
        assert!(Equality::of(&same, &same, 0).holds());
        assert!(!Equality::of(&same, &same, 1).holds());
        // One too many here, one too few there: the sums are the same.
        let shifted = Equality::of(&same, &counts(&[(1, 6), (2, 6)]), 0);
        assert_eq!((shifted.postgres, shifted.clickhouse), (12, 12));
        assert_eq!((shifted.differ, shifted.holds()), (2, false));
        let missing = Equality::of(&same, &counts(&[(1, 5)]), 0);
        assert_eq!((missing.posts, missing.differ), (2, 1));
        let extra = Equality::of(&counts(&[(1, 5)]), &same, 0);
        assert_eq!((extra.posts, extra.differ), (2, 1));
    }
}
