//! Absolute counts of posts with the version that orders them, and whether posts are deleted.

use std::collections::HashMap;
use std::time::Duration;

use clickhouse::Row;
use nova_domain::{PostCounts, PostId};
use serde::Deserialize;
use uuid::Uuid;

use crate::client::Olap;
use crate::error::OlapError;

const COUNTS: &str = include_str!("../../../clickhouse/queries/post_counts.sql");
const STATES: &str = include_str!("../../../clickhouse/queries/post_states.sql");

/// Whether a post is deleted, as ClickHouse knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostState {
    /// The post.
    pub post: PostId,
    /// It has a deletion time, or its row is gone.
    pub deleted: bool,
    /// The LSN of the change that says so.
    pub lsn: u64,
}

impl Olap {
    /// The exact likes and comments of posts, recounted from the facts; one answer per post, in the given order.
    /// See `post_counts.sql` for the version. A post without facts, also one that ClickHouse does not know, has none of them and version 0.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn post_counts(
        &self,
        posts: &[PostId],
        deadline: Duration,
    ) -> Result<Vec<PostCounts>, OlapError> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        let query = self
            .read(COUNTS, deadline)
            .with_setting("optimize_aggregation_in_order", "1")
            .param("post_ids", posts);
        let rows: HashMap<Uuid, CountRow> = self
            .read_within(deadline, async {
                let rows = query.fetch_all::<CountRow>().await?;
                Ok(rows.into_iter().map(|row| (row.post_id, row)).collect())
            })
            .await?;
        Ok(posts
            .iter()
            .map(|post| {
                let row = rows.get(&post.uuid());
                PostCounts {
                    post: *post,
                    likes: row.map_or(0, |row| row.likes),
                    comments: row.map_or(0, |row| row.comments),
                    version: row.map_or(0, |row| row.version),
                }
            })
            .collect())
    }

    /// Whether posts are deleted. A post that ClickHouse does not know is missing.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn post_states(
        &self,
        posts: &[PostId],
        deadline: Duration,
    ) -> Result<Vec<PostState>, OlapError> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.read(STATES, deadline).param("post_ids", posts);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<StateRow>().await?;
            Ok(rows
                .into_iter()
                .map(|row| PostState {
                    post: PostId::new(row.post_id),
                    deleted: row.hidden != 0,
                    lsn: row.lsn,
                })
                .collect())
        })
        .await
    }
}

#[derive(Row, Deserialize)]
struct CountRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    likes: u64,
    comments: u64,
    version: u128,
}

#[derive(Row, Deserialize)]
struct StateRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    hidden: u8,
    lsn: u64,
}
