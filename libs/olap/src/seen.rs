//! What a viewer has seen.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::Row;
use nova_domain::{PostId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use crate::candidates::time_param;
use crate::client::Olap;
use crate::error::OlapError;

const SEEN: &str = include_str!("../../../clickhouse/queries/viewer_impressions.sql");

/// A row of `viewer_impressions.sql`.
#[derive(Row, Deserialize)]
struct SeenRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
}

impl Olap {
    /// The posts that were on the viewer's screen later than `hours` before `now`: the `max_posts` seen last. ClickHouse
    /// keeps three days.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn viewer_impressions(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        hours: u32,
        max_posts: u32,
        deadline: Duration,
    ) -> Result<HashSet<PostId>, OlapError> {
        let query = self
            .read(SEEN, deadline)
            .param("viewer", viewer)
            .param("now", time_param(now))
            .param("window_hours", hours)
            .param("max_posts", max_posts);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<SeenRow>().await?;
            Ok(rows
                .into_iter()
                .map(|row| PostId::new(row.post_id))
                .collect())
        })
        .await
    }
}
