//! The entry of the library.

use chrono::{DateTime, Utc};
use nova_domain::UserId;
use nova_olap::Olap;
use nova_social::Social;
use tokio::time::Instant;

use crate::answer::{FeedPage, ServedFrom, Snapshot, SnapshotId};
use crate::budget::Budget;
use crate::config::{ConfigError, FeedConfig};
use crate::error::{FeedError, MAX_LIMIT};
use crate::hydrate::fill;
use crate::metrics;
use crate::posts::Posts;
use crate::rank::rank;

/// Serves feeds. Holds no state of its own: any number of them may run.
#[derive(Debug, Clone)]
pub struct FeedService<P = Social> {
    olap: Olap,
    posts: P,
    config: FeedConfig,
}

impl<P: Posts> FeedService<P> {
    /// Takes the two databases and the numbers.
    ///
    /// # Errors
    /// The first number of the configuration that cannot be used.
    pub fn new(olap: Olap, posts: P, config: FeedConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            olap,
            posts,
            config,
        })
    }

    /// The posts `offset .. offset + limit` of the viewer's feed, ranked now. Beyond the end the page is empty.
    ///
    /// Costs four queries to ClickHouse in parallel, then one more beside one to PostgreSQL, then one to PostgreSQL;
    /// bounded by the budget of the configuration.
    ///
    /// # Errors
    /// [`FeedError::Limit`] for a limit that is not 1 to [`MAX_LIMIT`]; [`FeedError::Unavailable`] when every source
    /// failed, PostgreSQL did not answer, or the budget was used up.
    pub async fn get_personalized_feed(
        &self,
        user_id: UserId,
        offset: u32,
        limit: u32,
    ) -> Result<FeedPage, FeedError> {
        self.get_personalized_feed_at(user_id, offset, limit, Utc::now())
            .await
    }

    /// [`FeedService::get_personalized_feed`] as of `now`: windows and ages are counted from it.
    ///
    /// # Errors
    /// The same.
    pub async fn get_personalized_feed_at(
        &self,
        user_id: UserId,
        offset: u32,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<FeedPage, FeedError> {
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(FeedError::Limit { given: limit });
        }
        let budget = Budget::start(&self.config);
        let page = self.serve(user_id, offset, limit, now, &budget).await;
        metrics::record(&page, budget.spent());
        page
    }

    async fn serve(
        &self,
        viewer: UserId,
        offset: u32,
        limit: u32,
        now: DateTime<Utc>,
        budget: &Budget,
    ) -> Result<FeedPage, FeedError> {
        let ranked = rank(&self.olap, &self.posts, &self.config, viewer, now, budget).await?;
        let (mut trace, mut timings) = (ranked.trace, ranked.timings);
        let started = Instant::now();
        let filled = fill(
            &self.posts,
            viewer,
            &ranked.posts,
            index(offset),
            index(limit),
            budget,
        )
        .await?;
        trace.vanished = filled.vanished;
        timings.hydrate = started.elapsed();
        timings.total = budget.spent();
        Ok(FeedPage {
            items: filled.items,
            next_cursor: None,
            snapshot: Snapshot {
                id: SnapshotId::generate(),
                generated_at: now,
            },
            served_from: ServedFrom::Ranked,
            degraded: ranked.degraded,
            trace,
            timings,
        })
    }
}

/// No list is longer than an index can say.
fn index(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
