//! Rows of the fact tables, as the pipeline writes them.

use chrono::{DateTime, Utc};
use clickhouse::Row;
use serde::Serialize;
use uuid::Uuid;

/// A state of a post.
#[derive(Debug, Clone, Row, Serialize)]
pub(crate) struct PostRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) author_id: Uuid,
    pub(crate) caption: &'static str,
    pub(crate) media_url: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) duration_ms: u32,
    pub(crate) visibility: &'static str,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub(crate) created_at: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub(crate) updated_at: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros::option")]
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    pub(crate) _version: u64,
    pub(crate) _deleted: u8,
}

impl PostRow {
    pub(crate) fn new(post_id: Uuid, author_id: Uuid, created_at: DateTime<Utc>) -> Self {
        Self {
            post_id,
            author_id,
            caption: "a caption",
            media_url: "https://media.example/1.mp4",
            media_type: "video",
            duration_ms: 1_000,
            visibility: "public",
            created_at,
            updated_at: created_at,
            deleted_at: None,
            _version: 1,
            _deleted: 0,
        }
    }
}

/// A state of a like.
#[derive(Debug, Clone, Row, Serialize)]
pub(crate) struct LikeRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) user_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) author_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) _version: u64,
    pub(crate) _deleted: u8,
}

/// A state of a comment.
#[derive(Debug, Clone, Row, Serialize)]
pub(crate) struct CommentRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) comment_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) user_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) author_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) _version: u64,
    pub(crate) _deleted: u8,
}

/// A state of a follow.
#[derive(Debug, Clone, Row, Serialize)]
pub(crate) struct FollowRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) follower_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) followee_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) _version: u64,
    pub(crate) _deleted: u8,
}

/// An arrival of a client event.
#[derive(Debug, Clone, Row, Serialize)]
pub(crate) struct EventRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) user_id: Uuid,
    pub(crate) event_type: &'static str,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) author_id: Uuid,
    pub(crate) dwell_ms: Option<u32>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    pub(crate) occurred_at: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) _version: u64,
}
