//! The rows of the tables of facts, as the driver writes them.

use chrono::{DateTime, Utc};
use clickhouse::{Row, RowOwned, RowWrite};
use nova_domain::{CommentId, EventId, PostId, UserId};
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A row of a table of facts.
pub trait Fact: RowOwned + RowWrite + Send + Sync {
    /// The table.
    const TABLE: &'static str;
}

/// A row of `posts_cdc`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize)]
pub struct PostFact {
    /// The key.
    #[serde(serialize_with = "id")]
    pub post_id: PostId,
    /// Its author.
    #[serde(serialize_with = "id")]
    pub author_id: UserId,
    /// The text.
    pub caption: String,
    /// Where the media is.
    pub media_url: String,
    /// Kind of media.
    pub media_type: &'static str,
    /// Milliseconds.
    pub duration_ms: u32,
    /// Who may see it.
    pub visibility: &'static str,
    /// When it was posted.
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros::option")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// The LSN.
    #[serde(rename = "_version")]
    pub version: u64,
    /// 1 for a row that is gone from PostgreSQL.
    #[serde(rename = "_deleted")]
    pub deleted: u8,
}

/// A row of `follows_cdc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Serialize)]
pub struct FollowFact {
    /// Who follows.
    #[serde(serialize_with = "id")]
    pub follower_id: UserId,
    /// Who is followed.
    #[serde(serialize_with = "id")]
    pub followee_id: UserId,
    /// Since when.
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub created_at: DateTime<Utc>,
    /// The LSN.
    #[serde(rename = "_version")]
    pub version: u64,
    /// 1 for a row that is gone from PostgreSQL.
    #[serde(rename = "_deleted")]
    pub deleted: u8,
}

/// A row of `likes_cdc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Serialize)]
pub struct LikeFact {
    /// The post.
    #[serde(serialize_with = "id")]
    pub post_id: PostId,
    /// Who likes it.
    #[serde(serialize_with = "id")]
    pub user_id: UserId,
    /// The post's author.
    #[serde(serialize_with = "id")]
    pub author_id: UserId,
    /// When.
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub created_at: DateTime<Utc>,
    /// The LSN.
    #[serde(rename = "_version")]
    pub version: u64,
    /// 1 for a row that is gone from PostgreSQL.
    #[serde(rename = "_deleted")]
    pub deleted: u8,
}

/// A row of `comments_cdc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Serialize)]
pub struct CommentFact {
    /// The key.
    #[serde(serialize_with = "id")]
    pub comment_id: CommentId,
    /// The post.
    #[serde(serialize_with = "id")]
    pub post_id: PostId,
    /// Who says it.
    #[serde(serialize_with = "id")]
    pub user_id: UserId,
    /// The post's author.
    #[serde(serialize_with = "id")]
    pub author_id: UserId,
    /// When.
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    pub created_at: DateTime<Utc>,
    /// The LSN.
    #[serde(rename = "_version")]
    pub version: u64,
    /// 1 for a row that is gone from PostgreSQL.
    #[serde(rename = "_deleted")]
    pub deleted: u8,
}

/// A row of `events_raw`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Serialize)]
pub struct EventFact {
    /// The key.
    #[serde(serialize_with = "id")]
    pub event_id: EventId,
    /// Whose event.
    #[serde(serialize_with = "id")]
    pub user_id: UserId,
    /// What happened.
    pub event_type: &'static str,
    /// The post.
    #[serde(serialize_with = "id")]
    pub post_id: PostId,
    /// The post's author.
    #[serde(serialize_with = "id")]
    pub author_id: UserId,
    /// Milliseconds on the screen.
    pub dwell_ms: Option<u32>,
    /// When it happened.
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    pub occurred_at: DateTime<Utc>,
    /// When Nova took it.
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    pub received_at: DateTime<Utc>,
    /// [`EventFact::version_of`] the time of arrival.
    #[serde(rename = "_version")]
    pub version: u64,
}

impl EventFact {
    /// The version of an event that arrived at this time: the first arrival wins, as `mv_events_ingest` has it.
    #[must_use]
    pub fn version_of(received_at: DateTime<Utc>) -> u64 {
        u64::try_from(10_000_000_000_000 - received_at.timestamp_millis()).unwrap_or(0)
    }
}

macro_rules! facts {
    ($($row:ty => $table:literal),+ $(,)?) => {
        $(impl Fact for $row { const TABLE: &'static str = $table; })+
    };
}

facts! {
    PostFact => "posts_cdc",
    FollowFact => "follows_cdc",
    LikeFact => "likes_cdc",
    CommentFact => "comments_cdc",
    EventFact => "events_raw",
}

/// A UUID in ClickHouse's form.
fn id<I: Copy + Into<Uuid>, S: Serializer>(id: &I, serializer: S) -> Result<S::Ok, S::Error> {
    clickhouse::serde::uuid::serialize(&(*id).into(), serializer)
}
