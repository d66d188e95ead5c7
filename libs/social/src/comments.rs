//! Comments: written, listed and deleted.

use chrono::{DateTime, Utc};
use nova_domain::{CommentBody, CommentId, PostId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::SocialError;
use crate::idempotency::{AsyncMake, Fingerprint, IdempotencyKey};
use crate::model::{Comment, CommentCursor, CommentPage, Created};
use crate::social::Social;

struct MakeComment<'a> {
    user: UserId,
    post: PostId,
    body: &'a CommentBody,
}

impl AsyncMake<Comment> for MakeComment<'_> {
    async fn make(self, connection: &mut PgConnection) -> Result<Comment, SocialError> {
        let comment_id = CommentId::generate();
        let created_at: Option<DateTime<Utc>> =
            sqlx::query_scalar(include_str!("../sql/create_comment.sql"))
                .bind(comment_id.uuid())
                .bind(self.post.uuid())
                .bind(self.user.uuid())
                .bind(self.body.as_str())
                .fetch_optional(connection)
                .await?;
        Ok(Comment {
            comment_id,
            post_id: self.post,
            user_id: self.user,
            body: self.body.as_str().to_owned(),
            created_at: created_at.ok_or(SocialError::POST)?,
        })
    }
}

/// A row of `list_comments.sql`: all of the comment is missing when there is none.
#[derive(sqlx::FromRow)]
struct ListedRow {
    comment_id: Option<Uuid>,
    post_id: Uuid,
    user_id: Option<Uuid>,
    body: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

impl ListedRow {
    fn comment(self) -> Option<Comment> {
        Some(Comment {
            comment_id: self.comment_id?.into(),
            post_id: self.post_id.into(),
            user_id: self.user_id?.into(),
            body: self.body?,
            created_at: self.created_at?,
        })
    }
}

impl Social {
    /// `user` comments a post. With a key, the same comment again is the same comment.
    ///
    /// # Errors
    /// [`SocialError::NotFound`] when the post does not exist, is deleted, or is not visible to `user`;
    /// [`SocialError::UnknownUser`]; [`SocialError::IdempotencyConflict`] when the key was used for another request.
    pub async fn create_comment(
        &self,
        user: UserId,
        post: PostId,
        body: &CommentBody,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<Comment>, SocialError> {
        let make = MakeComment { user, post, body };
        self.within(async {
            let Some(key) = key else {
                let mut connection = self.pool.acquire().await?;
                let value = make.make(&mut connection).await?;
                return Ok(Created {
                    value,
                    replayed: false,
                });
            };
            let fingerprint = Fingerprint::of("comment")
                .with(post.uuid().as_bytes())
                .with(body.as_str().as_bytes());
            self.once(user, key, fingerprint, make).await
        })
        .await
    }

    /// A page of the comments on a post, newest first, at most `limit`, after `after` or from the start. Comments by
    /// users with whom `viewer` shares a block are left out.
    ///
    /// # Errors
    /// [`SocialError::NotFound`] when the post does not exist, is deleted, or is not visible to `viewer`.
    pub async fn list_comments(
        &self,
        viewer: UserId,
        post: PostId,
        after: Option<CommentCursor>,
        limit: u32,
    ) -> Result<CommentPage, SocialError> {
        self.within(async {
            // One more than asked for tells whether there is a next page.
            let rows: Vec<ListedRow> = sqlx::query_as(include_str!("../sql/list_comments.sql"))
                .bind(viewer.uuid())
                .bind(post.uuid())
                .bind(after.map(|c| c.created_at))
                .bind(after.map(|c| c.comment_id.uuid()))
                .bind(i64::from(limit) + 1)
                .fetch_all(&self.pool)
                .await?;
            if rows.is_empty() {
                return Err(SocialError::POST);
            }
            let mut comments: Vec<_> = rows.into_iter().filter_map(ListedRow::comment).collect();
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = comments.len() > limit;
            comments.truncate(limit);
            let next = comments.last().filter(|_| more).map(|last| CommentCursor {
                created_at: last.created_at,
                comment_id: last.comment_id,
            });
            Ok(CommentPage { comments, next })
        })
        .await
    }

    /// Deletes a comment that `user` wrote, or that is on a post of `user`.
    ///
    /// # Errors
    /// [`SocialError::NotFound`] when there is none (any longer), or it is not theirs to delete.
    pub async fn delete_comment(
        &self,
        user: UserId,
        comment: CommentId,
    ) -> Result<(), SocialError> {
        self.within(async {
            let deleted = sqlx::query(include_str!("../sql/delete_comment.sql"))
                .bind(comment.uuid())
                .bind(user.uuid())
                .execute(&self.pool)
                .await?;
            if deleted.rows_affected() == 0 {
                return Err(SocialError::COMMENT);
            }
            Ok(())
        })
        .await
    }
}
