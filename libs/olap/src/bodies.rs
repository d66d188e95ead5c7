//! What posts show, as ClickHouse has it: for when PostgreSQL cannot say.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::Row;
use nova_domain::{PostBody, PostId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use crate::client::Olap;
use crate::error::OlapError;

const BODIES: &str = include_str!("../../../clickhouse/queries/post_bodies.sql");

/// A row of `post_bodies.sql`.
#[derive(Row, Deserialize)]
struct BodyRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    caption: String,
    media_url: String,
    media_type: String,
    duration_ms: u32,
    visibility: String,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
}

impl BodyRow {
    /// None for a word that this release does not know: the post is then not shown.
    fn body(self) -> Option<(PostId, PostBody)> {
        let body = PostBody {
            author_id: UserId::new(self.author_id),
            caption: self.caption,
            media_url: self.media_url,
            media_type: self.media_type.parse().ok()?,
            duration_ms: self.duration_ms,
            visibility: self.visibility.parse().ok()?,
            created_at: self.created_at,
        };
        Some((PostId::new(self.post_id), body))
    }
}

impl Olap {
    /// What posts show, whoever asks; as late as the pipeline is. Deleted ones and those that ClickHouse does not know
    /// are missing.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn post_bodies(
        &self,
        posts: &[PostId],
        deadline: Duration,
    ) -> Result<HashMap<PostId, PostBody>, OlapError> {
        if posts.is_empty() {
            return Ok(HashMap::new());
        }
        let query = self.read(BODIES, deadline).param("post_ids", posts);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<BodyRow>().await?;
            Ok(rows.into_iter().filter_map(BodyRow::body).collect())
        })
        .await
    }
}
