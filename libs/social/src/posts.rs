//! Posts: made, read and deleted.

use chrono::{DateTime, Utc};
use nova_domain::{NewPost, PostId, UserId};
use sqlx::PgConnection;

use crate::error::SocialError;
use crate::idempotency::{AsyncMake, Fingerprint, IdempotencyKey};
use crate::model::{Created, PostView};
use crate::social::Social;
use crate::written::Written;

struct MakePost<'a> {
    author: UserId,
    post: &'a NewPost,
}

impl AsyncMake<PostView> for MakePost<'_> {
    async fn make(self, connection: &mut PgConnection) -> Result<PostView, SocialError> {
        let post_id = PostId::generate();
        let created_at: DateTime<Utc> = sqlx::query_scalar(include_str!("../sql/create_post.sql"))
            .bind(post_id.uuid())
            .bind(self.author.uuid())
            .bind(self.post.caption.as_str())
            .bind(self.post.media_url.as_str())
            .bind(self.post.media_type.as_str())
            .bind(i32::try_from(self.post.duration_ms).unwrap_or(i32::MAX))
            .bind(self.post.visibility.as_str())
            .fetch_one(connection)
            .await?;
        Ok(PostView {
            post_id,
            author_id: self.author,
            caption: self.post.caption.as_str().to_owned(),
            media_url: self.post.media_url.as_str().to_owned(),
            media_type: self.post.media_type,
            duration_ms: self.post.duration_ms,
            visibility: self.post.visibility,
            created_at,
            liked: false,
        })
    }
}

impl Social {
    /// Makes a post of `author`. With a key, the same post again is the same post.
    ///
    /// # Errors
    /// [`SocialError::UnknownUser`]; [`SocialError::IdempotencyConflict`] when the key was used for another request.
    pub async fn create_post(
        &self,
        author: UserId,
        post: &NewPost,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<PostView>, SocialError> {
        let make = MakePost { author, post };
        self.within(async {
            let Some(key) = key else {
                let mut connection = self.pool.acquire().await?;
                let value = make.make(&mut connection).await?;
                return Ok(Created {
                    value,
                    replayed: false,
                });
            };
            let fingerprint = Fingerprint::of("post")
                .with(post.caption.as_str().as_bytes())
                .with(post.media_url.as_str().as_bytes())
                .with(post.media_type.as_str().as_bytes())
                .with(&post.duration_ms.to_be_bytes())
                .with(post.visibility.as_str().as_bytes());
            self.once(author, key, fingerprint, make).await
        })
        .await
    }

    /// A post, if `viewer` may see it.
    ///
    /// # Errors
    /// [`SocialError::NotFound`] when it does not exist, is deleted, or is not visible to `viewer`.
    pub async fn get_post(&self, viewer: UserId, post: PostId) -> Result<PostView, SocialError> {
        let mut posts = self.hydrate(viewer, &[post]).await?;
        posts.pop().ok_or(SocialError::POST)
    }

    /// Deletes a post of `author`; again changes nothing.
    ///
    /// # Errors
    /// [`SocialError::NotFound`] when `author` never had such a post.
    pub async fn delete_post(&self, author: UserId, post: PostId) -> Result<Written, SocialError> {
        self.within(async {
            let (mine, lsn): (bool, i64) = sqlx::query_as(include_str!("../sql/delete_post.sql"))
                .bind(post.uuid())
                .bind(author.uuid())
                .fetch_one(&self.pool)
                .await?;
            if mine {
                Ok(Written::at(lsn))
            } else {
                Err(SocialError::POST)
            }
        })
        .await
    }
}
