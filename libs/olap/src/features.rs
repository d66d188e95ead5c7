//! What candidates are scored by.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_domain::{PostId, UserId};
use nova_ranking::Counts;

use crate::candidates::time_param;
use crate::client::Olap;
use crate::error::OlapError;
use crate::rows::{CountsRow, InteractionsRow};

const INTERACTIONS: &str = include_str!("../../../clickhouse/queries/viewer_interactions.sql");
const COUNTS: &str = include_str!("../../../clickhouse/queries/ranking_features.sql");

impl Olap {
    /// The viewer's live interactions per author, later than `days` before `now`. Authors without any are missing.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn viewer_interactions(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        days: u32,
        deadline: Duration,
    ) -> Result<HashMap<UserId, u64>, OlapError> {
        let query = self
            .read(INTERACTIONS, deadline)
            .param("viewer", viewer)
            .param("now", time_param(now))
            .param("interaction_days", days);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<InteractionsRow>().await?;
            Ok(rows
                .into_iter()
                .map(|row| (UserId::new(row.author_id), row.interactions))
                .collect())
        })
        .await
    }

    /// The exact counts of posts, recounted from the facts. A post that ClickHouse does not know is missing.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn ranking_counts(
        &self,
        posts: &[PostId],
        deadline: Duration,
    ) -> Result<HashMap<PostId, Counts>, OlapError> {
        let counts = self.exact_counts(posts, deadline).await?;
        Ok(counts
            .into_iter()
            .map(|(post, c)| (post, c.counts))
            .collect())
    }

    /// As [`Olap::ranking_counts`], with what no score is made of.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn exact_counts(
        &self,
        posts: &[PostId],
        deadline: Duration,
    ) -> Result<HashMap<PostId, ExactCounts>, OlapError> {
        if posts.is_empty() {
            return Ok(HashMap::new());
        }
        let query = self.read(COUNTS, deadline).param("post_ids", posts);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<CountsRow>().await?;
            Ok(rows
                .into_iter()
                .map(|row| (PostId::new(row.post_id), row.into()))
                .collect())
        })
        .await
    }
}

/// All counts of a post, from the facts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExactCounts {
    /// Those that a score is made of.
    pub counts: Counts,
    /// How often it was watched.
    pub views: u64,
}

impl From<CountsRow> for ExactCounts {
    fn from(row: CountsRow) -> Self {
        Self {
            counts: Counts {
                likes: row.likes,
                comments: row.comments,
                shares: row.shares,
                impressions: row.impressions,
            },
            views: row.views,
        }
    }
}
