//! What the feed and the events ask.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use nova_domain::{PostId, UserId};
use uuid::Uuid;

use crate::error::SocialError;
use crate::model::PostView;
use crate::social::Social;

#[derive(sqlx::FromRow)]
struct PostRow {
    post_id: Uuid,
    author_id: Uuid,
    caption: String,
    media_url: String,
    media_type: String,
    duration_ms: i32,
    visibility: String,
    created_at: DateTime<Utc>,
    liked: bool,
}

impl TryFrom<PostRow> for PostView {
    type Error = SocialError;

    fn try_from(row: PostRow) -> Result<Self, SocialError> {
        // Check constraints keep other words and numbers out of the table.
        let column = |index: &str, source| {
            SocialError::Database(sqlx::Error::ColumnDecode {
                index: index.to_owned(),
                source,
            })
        };
        Ok(Self {
            post_id: row.post_id.into(),
            author_id: row.author_id.into(),
            caption: row.caption,
            media_url: row.media_url,
            media_type: row
                .media_type
                .parse()
                .map_err(|e| column("media_type", Box::new(e)))?,
            duration_ms: row
                .duration_ms
                .try_into()
                .map_err(|e| column("duration_ms", Box::new(e)))?,
            visibility: row
                .visibility
                .parse()
                .map_err(|e| column("visibility", Box::new(e)))?,
            created_at: row.created_at,
            liked: row.liked,
        })
    }
}

impl Social {
    /// Which of these posts `viewer` may see: existing, not deleted, public or the viewer's own or for followers of whom
    /// the viewer is one, and no block between viewer and author in either direction.
    ///
    /// One query; a few look-ups by primary key for each post.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn visible_posts(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<HashSet<PostId>, SocialError> {
        if posts.is_empty() {
            return Ok(HashSet::new());
        }
        self.within(async {
            let visible: Vec<Uuid> = sqlx::query_scalar(include_str!("../sql/visible_posts.sql"))
                .bind(viewer.uuid())
                .bind(uuids(posts))
                .fetch_all(&self.pool)
                .await?;
            Ok(visible.into_iter().map(PostId::from).collect())
        })
        .await
    }

    /// The content of posts for `viewer`, in the order given. Posts that `viewer` may not see (see
    /// [`Social::visible_posts`]) are left out.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn hydrate(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<Vec<PostView>, SocialError> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        self.within(async {
            let rows: Vec<PostRow> = sqlx::query_as(include_str!("../sql/hydrate.sql"))
                .bind(viewer.uuid())
                .bind(uuids(posts))
                .fetch_all(&self.pool)
                .await?;
            rows.into_iter().map(PostView::try_from).collect()
        })
        .await
    }

    /// Who wrote these posts, deleted ones too. Posts that never existed are missing in the answer.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn post_authors(
        &self,
        posts: &[PostId],
    ) -> Result<HashMap<PostId, UserId>, SocialError> {
        if posts.is_empty() {
            return Ok(HashMap::new());
        }
        self.within(async {
            let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(include_str!("../sql/post_authors.sql"))
                .bind(uuids(posts))
                .fetch_all(&self.pool)
                .await?;
            Ok(rows
                .into_iter()
                .map(|(post, author)| (post.into(), author.into()))
                .collect())
        })
        .await
    }

    /// Which of these users have a profile.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn known_users(&self, users: &[UserId]) -> Result<HashSet<UserId>, SocialError> {
        if users.is_empty() {
            return Ok(HashSet::new());
        }
        self.within(async {
            let known: Vec<Uuid> = sqlx::query_scalar(include_str!("../sql/known_users.sql"))
                .bind(users.iter().map(|u| u.uuid()).collect::<Vec<_>>())
                .fetch_all(&self.pool)
                .await?;
            Ok(known.into_iter().map(UserId::from).collect())
        })
        .await
    }
}

fn uuids(posts: &[PostId]) -> Vec<Uuid> {
    posts.iter().map(|p| p.uuid()).collect()
}
