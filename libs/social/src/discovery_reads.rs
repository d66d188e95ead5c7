//! What suggestions and the freshness probe ask.

use chrono::{DateTime, Utc};
use nova_domain::{PostId, UserId};
use uuid::Uuid;

use crate::error::SocialError;
use crate::social::Social;

/// How many follows are counted when PostgreSQL has to tell who is most followed: 20 ms and more.
const SAMPLED_FOLLOWS: i64 = 100_000;

/// A user's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserNames {
    /// Who.
    pub user_id: UserId,
    /// The unique name.
    pub handle: String,
    /// The name shown to people.
    pub display_name: String,
}

/// A user whom many follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PopularUser {
    /// Who.
    pub user_id: UserId,
    /// How many of the follows that were counted lead to them.
    pub followers: u64,
}

#[derive(sqlx::FromRow)]
struct NamesRow {
    user_id: Uuid,
    handle: String,
    display_name: String,
}

impl From<NamesRow> for UserNames {
    fn from(row: NamesRow) -> Self {
        Self {
            user_id: row.user_id.into(),
            handle: row.handle,
            display_name: row.display_name,
        }
    }
}

#[derive(sqlx::FromRow)]
struct PopularRow {
    user_id: Uuid,
    followers: i64,
}

impl Social {
    /// Those of these users that `viewer` may be suggested now, in the order given: they exist, are not the viewer, the
    /// viewer does not follow them, and there is no block in either direction.
    ///
    /// One query; a few look-ups by primary key for each user.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn suggestable_users(
        &self,
        viewer: UserId,
        users: &[UserId],
    ) -> Result<Vec<UserNames>, SocialError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        self.within(async {
            let rows: Vec<NamesRow> = sqlx::query_as(include_str!("../sql/suggestable_users.sql"))
                .bind(viewer.uuid())
                .bind(uuids(users))
                .fetch_all(&self.pool)
                .await?;
            Ok(rows.into_iter().map(UserNames::from).collect())
        })
        .await
    }

    /// The most followed users without `except`: most followers first, then the greater id. Counted over at most 100,000
    /// follows: exact while there are no more, a sample afterwards. Whom of them somebody may be suggested says
    /// [`Social::suggestable_users`].
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn most_followed_users(
        &self,
        except: &[UserId],
        limit: u32,
    ) -> Result<Vec<PopularUser>, SocialError> {
        self.within(async {
            let rows: Vec<PopularRow> =
                sqlx::query_as(include_str!("../sql/most_followed_users.sql"))
                    .bind(uuids(except))
                    .bind(i64::from(limit))
                    .bind(SAMPLED_FOLLOWS)
                    .fetch_all(&self.pool)
                    .await?;
            Ok(rows
                .into_iter()
                .map(|row| PopularUser {
                    user_id: row.user_id.into(),
                    followers: u64::try_from(row.followers).unwrap_or(0),
                })
                .collect())
        })
        .await
    }

    /// The newest `limit` posts of an author that are not deleted, with the times they were posted, newest first.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn newest_posts_of(
        &self,
        author: UserId,
        limit: u32,
    ) -> Result<Vec<(PostId, DateTime<Utc>)>, SocialError> {
        self.within(async {
            let rows: Vec<(Uuid, DateTime<Utc>)> =
                sqlx::query_as(include_str!("../sql/newest_posts_of.sql"))
                    .bind(author.uuid())
                    .bind(i64::from(limit))
                    .fetch_all(&self.pool)
                    .await?;
            Ok(rows
                .into_iter()
                .map(|(post, at)| (post.into(), at))
                .collect())
        })
        .await
    }
}

fn uuids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|user| user.uuid()).collect()
}
