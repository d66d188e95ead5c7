//! How far ClickHouse has followed: the newest version of exact keys, and which messages it has put aside.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::Row;
use nova_domain::{CommentId, PostId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use crate::candidates::time_param;
use crate::client::Olap;
use crate::error::OlapError;

const LIKES: &str = include_str!("../../../clickhouse/queries/seen_likes.sql");
const COMMENTS: &str = include_str!("../../../clickhouse/queries/seen_comments.sql");
const FOLLOWS: &str = include_str!("../../../clickhouse/queries/seen_follows.sql");
const POSTS: &str = include_str!("../../../clickhouse/queries/seen_posts.sql");
const QUARANTINED: &str = include_str!("../../../clickhouse/queries/quarantined.sql");

/// The most keys of one question: a value of the request may have 128 KiB, and a key of [`Olap::seen_posts`] has 112
/// bytes.
pub const MOST_KEYS: usize = 1_000;

/// A post with what its place in `posts_by_author` needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PostKey {
    /// Whose.
    pub author: UserId,
    /// Since when; microseconds count.
    pub created_at: DateTime<Utc>,
    /// The post.
    pub post: PostId,
}

impl Olap {
    /// The LSN of the newest change that ClickHouse has of each like, deleted or not; of at most [`MOST_KEYS`]. A like
    /// it knows nothing of is missing.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn seen_likes(
        &self,
        likes: &[(PostId, UserId)],
        deadline: Duration,
    ) -> Result<HashMap<(PostId, UserId), u64>, OlapError> {
        self.seen(LIKES, likes, deadline).await
    }

    /// As [`Olap::seen_likes`], of comments.
    ///
    /// # Errors
    /// As [`Olap::seen_likes`].
    pub async fn seen_comments(
        &self,
        comments: &[(PostId, CommentId)],
        deadline: Duration,
    ) -> Result<HashMap<(PostId, CommentId), u64>, OlapError> {
        self.seen(COMMENTS, comments, deadline).await
    }

    /// As [`Olap::seen_likes`], of follows: follower and followee.
    ///
    /// # Errors
    /// As [`Olap::seen_likes`].
    pub async fn seen_follows(
        &self,
        follows: &[(UserId, UserId)],
        deadline: Duration,
    ) -> Result<HashMap<(UserId, UserId), u64>, OlapError> {
        self.seen(FOLLOWS, follows, deadline).await
    }

    /// As [`Olap::seen_likes`], of posts in the table that feeds find them by.
    ///
    /// # Errors
    /// As [`Olap::seen_likes`].
    pub async fn seen_posts(
        &self,
        posts: &[PostKey],
        deadline: Duration,
    ) -> Result<HashMap<PostId, u64>, OlapError> {
        if posts.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<(UserId, String, PostId)> = posts
            .iter()
            .map(|key| (key.author, time_param(key.created_at), key.post))
            .collect();
        let query = self.read(POSTS, deadline).param("keys", keys);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<SeenRow>().await?;
            Ok(rows
                .into_iter()
                .map(|row| (PostId::new(row.right_id), row.lsn))
                .collect())
        })
        .await
    }

    async fn seen<A, B>(
        &self,
        sql: &str,
        keys: &[(A, B)],
        deadline: Duration,
    ) -> Result<HashMap<(A, B), u64>, OlapError>
    where
        A: Copy + Eq + Hash + From<Uuid> + serde::Serialize,
        B: Copy + Eq + Hash + From<Uuid> + serde::Serialize,
    {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let query = self.read(sql, deadline).param("keys", keys);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<SeenRow>().await?;
            Ok(rows
                .into_iter()
                .map(|row| ((A::from(row.left_id), B::from(row.right_id)), row.lsn))
                .collect())
        })
        .await
    }

    /// Which of these messages of a topic, by partition and offset, ClickHouse has put aside as `quarantined`: no row
    /// will ever come of them. At most [`MOST_KEYS`].
    ///
    /// # Errors
    /// As [`Olap::seen_likes`].
    pub async fn quarantined(
        &self,
        topic: &str,
        positions: &[(i32, i64)],
        deadline: Duration,
    ) -> Result<HashSet<(i32, i64)>, OlapError> {
        if positions.is_empty() {
            return Ok(HashSet::new());
        }
        let query = self
            .read(QUARANTINED, deadline)
            .param("topic", topic)
            .param("positions", positions);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<PositionRow>().await?;
            Ok(rows
                .into_iter()
                .filter_map(|row| {
                    Some((
                        i32::try_from(row.partition).ok()?,
                        i64::try_from(row.offset).ok()?,
                    ))
                })
                .collect())
        })
        .await
    }
}

/// A row of `seen_*.sql`.
#[derive(Row, Deserialize)]
struct SeenRow {
    #[serde(with = "clickhouse::serde::uuid")]
    left_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    right_id: Uuid,
    lsn: u64,
}

/// A row of `quarantined.sql`.
#[derive(Row, Deserialize)]
struct PositionRow {
    partition: u64,
    offset: u64,
}
