//! What candidates are scored by.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::query::Query;
use nova_domain::PostId;
use nova_ranking::Counts;

use crate::candidates::time_param;
use crate::client::Olap;
use crate::error::OlapError;
use crate::rows::CountsRow;

const RECOUNTED: &str = include_str!("../../../clickhouse/queries/recounted_counts.sql");
const COUNTS: &str = include_str!("../../../clickhouse/queries/ranking_features.sql");

impl Olap {
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

    /// The counts of posts as they were recounted last, within about a second of their newest change; of at most
    /// [`crate::MOST_KEYS`] posts, each with its time, to the microsecond. A post that was not recounted yet is missing.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn recounted_counts(
        &self,
        posts: &[(DateTime<Utc>, PostId)],
        deadline: Duration,
    ) -> Result<HashMap<PostId, ExactCounts>, OlapError> {
        if posts.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<(String, PostId)> = posts
            .iter()
            .map(|(created_at, post)| (time_param(*created_at), *post))
            .collect();
        let query = self.read(RECOUNTED, deadline).param("keys", keys);
        self.fetch_counts(query, deadline).await
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
        self.fetch_counts(query, deadline).await
    }

    async fn fetch_counts(
        &self,
        query: Query,
        deadline: Duration,
    ) -> Result<HashMap<PostId, ExactCounts>, OlapError> {
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
