//! Absolute counts of client events, by post.

use std::time::Duration;

use clickhouse::Row;
use nova_domain::{EventCounts, PostId};
use serde::Deserialize;
use uuid::Uuid;

use crate::client::Olap;
use crate::error::OlapError;

const COUNTS: &str = include_str!("../../../clickhouse/queries/event_counts.sql");
const RECOUNTED: &str = include_str!("../../../clickhouse/queries/recounted_posts.sql");

/// A post whose events were recounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recounted {
    /// The post.
    pub post: PostId,
    /// When, milliseconds since 1970.
    pub at: u64,
}

impl Recounted {
    /// Before every recount since `since`: where paging begins.
    #[must_use]
    pub const fn start() -> Self {
        Self {
            post: PostId::new(Uuid::nil()),
            at: 0,
        }
    }
}

impl Olap {
    /// The events of posts, as ClickHouse's last recount of each says: some seconds old at most. A post without events
    /// is missing.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn event_counts(
        &self,
        posts: &[PostId],
        deadline: Duration,
    ) -> Result<Vec<EventCounts>, OlapError> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.read(COUNTS, deadline).param("post_ids", posts);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<EventRow>().await?;
            Ok(rows
                .into_iter()
                .map(|row| EventCounts {
                    post: PostId::new(row.post_id),
                    shares: row.share_count,
                    impressions: row.impression_count,
                    views: row.view_count,
                    version: row.recounted_at,
                })
                .collect())
        })
        .await
    }

    /// The posts whose events were recounted at or after `since` (milliseconds since 1970), in order of their newest
    /// recount: the `limit` of them that come after `after`, which is the last of the page before.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn recounted_posts(
        &self,
        since: u64,
        after: Recounted,
        limit: u32,
        deadline: Duration,
    ) -> Result<Vec<Recounted>, OlapError> {
        let query = self
            .read(RECOUNTED, deadline)
            .param("since", since)
            .param("after_at", after.at)
            .param("after_post", after.post)
            .param("max_posts", limit);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<RecountRow>().await?;
            Ok(rows
                .into_iter()
                .map(|row| Recounted {
                    post: PostId::new(row.post_id),
                    at: row.recounted_at,
                })
                .collect())
        })
        .await
    }
}

#[derive(Row, Deserialize)]
struct EventRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    share_count: u64,
    impression_count: u64,
    view_count: u64,
    recounted_at: u64,
}

#[derive(Row, Deserialize)]
struct RecountRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    recounted_at: u64,
}
