//! The rows of the queries, as the driver reads them.

use chrono::{DateTime, Utc};
use clickhouse::Row;
use nova_domain::{Candidate, PostId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use crate::candidates::NewPost;

/// A row of `*_candidates.sql`.
#[derive(Row, Deserialize)]
pub(crate) struct CandidateRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
}

impl From<CandidateRow> for Candidate {
    fn from(row: CandidateRow) -> Self {
        Self {
            post_id: PostId::new(row.post_id),
            author_id: UserId::new(row.author_id),
            created_at: row.created_at,
        }
    }
}

/// A row of `newest_candidates.sql`.
#[derive(Row, Deserialize)]
pub(crate) struct NewestRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
    followed: u8,
}

impl From<NewestRow> for NewPost {
    fn from(row: NewestRow) -> Self {
        Self {
            post: Candidate {
                post_id: PostId::new(row.post_id),
                author_id: UserId::new(row.author_id),
                created_at: row.created_at,
            },
            followed: row.followed != 0,
        }
    }
}

/// A row of `viewer_interactions.sql`.
#[derive(Row, Deserialize)]
pub(crate) struct InteractionsRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) author_id: Uuid,
    pub(crate) interactions: u64,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub(crate) newest: DateTime<Utc>,
    pub(crate) followed: u8,
}

/// A row of `ranking_features.sql` and of `recounted_counts.sql`.
#[derive(Row, Deserialize)]
pub(crate) struct CountsRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) post_id: Uuid,
    pub(crate) likes: u64,
    pub(crate) comments: u64,
    pub(crate) shares: u64,
    pub(crate) impressions: u64,
    pub(crate) views: u64,
}
