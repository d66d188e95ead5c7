//! The three sources of suggested users.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::Row;
use clickhouse::query::Query;
use nova_domain::UserId;
use serde::Deserialize;
use uuid::Uuid;

use crate::candidates::time_param;
use crate::client::Olap;
use crate::error::OlapError;

const ENGAGED: &str = include_str!("../../../clickhouse/queries/engaged_authors.sql");
const SIMILAR: &str = include_str!("../../../clickhouse/queries/similar_users_follows.sql");
const MOST_FOLLOWED: &str = include_str!("../../../clickhouse/queries/most_followed.sql");

/// A user and a number of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserCount {
    /// The user.
    pub user_id: UserId,
    /// How many: interactions, followers or events, as the query says.
    pub count: u64,
}

/// What bounds the search for users who like what a viewer likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimilarLimits {
    /// Likes later than this many days before `now` count.
    pub interaction_days: u32,
    /// The viewer's newest likes looked at.
    pub max_likes: u32,
    /// A post that more users like says nothing of taste and is passed over.
    pub max_likers: u32,
    /// The users sharing most likes with the viewer.
    pub max_similar: u32,
    /// The newest follows of each of them.
    pub max_follows: u32,
    /// The most users of one answer.
    pub max_users: u32,
}

/// A row of the queries of this file and of `most_active_users.sql`.
#[derive(Row, Deserialize)]
struct UserCountRow {
    #[serde(with = "clickhouse::serde::uuid")]
    user_id: Uuid,
    n: u64,
}

impl From<UserCountRow> for UserCount {
    fn from(row: UserCountRow) -> Self {
        Self {
            user_id: UserId::new(row.user_id),
            count: row.n,
        }
    }
}

impl Olap {
    /// The authors whom the viewer interacted with later than `interaction_days` before `now` and does not follow, with
    /// the number of interactions: most first, then the greater id.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn engaged_authors(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        interaction_days: u32,
        max_users: u32,
        deadline: Duration,
    ) -> Result<Vec<UserCount>, OlapError> {
        let query = self
            .read(ENGAGED, deadline)
            .param("viewer", viewer)
            .param("now", time_param(now))
            .param("interaction_days", interaction_days)
            .param("max_users", max_users);
        self.fetch_user_counts(query, deadline).await
    }

    /// Whom the users follow who like what the viewer likes, with how many of those users follow them: most first, then
    /// the greater id. The viewer and the viewer's followees are left out.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn similar_users_follows(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        limits: &SimilarLimits,
        deadline: Duration,
    ) -> Result<Vec<UserCount>, OlapError> {
        let query = self
            .read(SIMILAR, deadline)
            .param("viewer", viewer)
            .param("now", time_param(now))
            .param("interaction_days", limits.interaction_days)
            .param("max_likes", limits.max_likes)
            .param("max_likers", limits.max_likers)
            .param("max_similar", limits.max_similar)
            .param("max_follows", limits.max_follows)
            .param("max_users", limits.max_users);
        self.fetch_user_counts(query, deadline).await
    }

    /// The users with most followers (at most 1,000), as of some seconds ago, with their number: most first, then the
    /// greater id.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn most_followed(
        &self,
        max_users: u32,
        deadline: Duration,
    ) -> Result<Vec<UserCount>, OlapError> {
        let query = self
            .read(MOST_FOLLOWED, deadline)
            .param("max_users", max_users);
        self.fetch_user_counts(query, deadline).await
    }

    pub(crate) async fn fetch_user_counts(
        &self,
        query: Query,
        deadline: Duration,
    ) -> Result<Vec<UserCount>, OlapError> {
        self.read_within(deadline, async {
            let rows = query.fetch_all::<UserCountRow>().await?;
            Ok(rows.into_iter().map(UserCount::from).collect())
        })
        .await
    }
}
