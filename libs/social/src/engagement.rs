//! Likes.

use nova_domain::{PostId, UserId};

use crate::error::SocialError;
use crate::social::Social;
use crate::written::Written;

impl Social {
    /// `viewer` likes a post; again changes nothing.
    ///
    /// # Errors
    /// [`SocialError::NotFound`] when the post does not exist, is deleted, or is not visible to `viewer`;
    /// [`SocialError::UnknownUser`].
    pub async fn like(&self, viewer: UserId, post: PostId) -> Result<Written, SocialError> {
        self.like_statement(include_str!("../sql/like.sql"), viewer, post)
            .await
    }

    /// `viewer` takes a like back, also from a post that is no longer visible to them.
    ///
    /// # Errors
    /// [`SocialError::NotFound`] when there was no like and the post is not visible to `viewer`.
    pub async fn unlike(&self, viewer: UserId, post: PostId) -> Result<Written, SocialError> {
        self.like_statement(include_str!("../sql/unlike.sql"), viewer, post)
            .await
    }

    async fn like_statement(
        &self,
        statement: &'static str,
        viewer: UserId,
        post: PostId,
    ) -> Result<Written, SocialError> {
        self.within(async {
            let (found, lsn): (bool, i64) = sqlx::query_as(statement)
                .bind(post.uuid())
                .bind(viewer.uuid())
                .fetch_one(&self.pool)
                .await?;
            if found {
                Ok(Written::at(lsn))
            } else {
                Err(SocialError::POST)
            }
        })
        .await
    }
}
