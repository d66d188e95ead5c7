//! Who follows whom, who has blocked whom.

use nova_domain::UserId;
use sqlx::{Postgres, Transaction};

use crate::error::SocialError;
use crate::social::Social;

impl Social {
    /// `viewer` follows `followee` from now on.
    ///
    /// # Errors
    /// [`SocialError::SelfReference`]; [`SocialError::NotFound`] when there is no such user or one has blocked the other;
    /// [`SocialError::UnknownUser`].
    pub async fn follow(&self, viewer: UserId, followee: UserId) -> Result<(), SocialError> {
        refuse_self(viewer, followee)?;
        self.within(async {
            let mut transaction = self.begin_pair(viewer, followee).await?;
            let blocked: bool = sqlx::query_scalar(include_str!("../sql/follow.sql"))
                .bind(viewer.uuid())
                .bind(followee.uuid())
                .fetch_one(&mut *transaction)
                .await?;
            if blocked {
                return Err(SocialError::USER);
            }
            Ok(transaction.commit().await?)
        })
        .await
    }

    /// `viewer` no longer follows `followee`.
    ///
    /// # Errors
    /// [`SocialError::SelfReference`]; [`SocialError::NotFound`] when there is no such user.
    pub async fn unfollow(&self, viewer: UserId, followee: UserId) -> Result<(), SocialError> {
        refuse_self(viewer, followee)?;
        self.pair_exists(include_str!("../sql/unfollow.sql"), viewer, followee)
            .await
    }

    /// `viewer` blocks `other`: neither sees the other's posts and comments, and neither follows the other any longer.
    ///
    /// # Errors
    /// [`SocialError::SelfReference`]; [`SocialError::NotFound`] when there is no such user;
    /// [`SocialError::UnknownUser`].
    pub async fn block(&self, viewer: UserId, other: UserId) -> Result<(), SocialError> {
        refuse_self(viewer, other)?;
        self.within(async {
            let mut transaction = self.begin_pair(viewer, other).await?;
            for statement in [
                include_str!("../sql/block.sql"),
                include_str!("../sql/unfollow_both.sql"),
            ] {
                sqlx::query(statement)
                    .bind(viewer.uuid())
                    .bind(other.uuid())
                    .execute(&mut *transaction)
                    .await?;
            }
            Ok(transaction.commit().await?)
        })
        .await
    }

    /// `viewer` no longer blocks `other`. Follows that the block removed stay removed.
    ///
    /// # Errors
    /// [`SocialError::SelfReference`]; [`SocialError::NotFound`] when there is no such user.
    pub async fn unblock(&self, viewer: UserId, other: UserId) -> Result<(), SocialError> {
        refuse_self(viewer, other)?;
        self.pair_exists(include_str!("../sql/unblock.sql"), viewer, other)
            .await
    }

    async fn begin_pair(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Transaction<'static, Postgres>, SocialError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(include_str!("../sql/lock_pair.sql"))
            .bind(one.uuid())
            .bind(other.uuid())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction)
    }

    async fn pair_exists(
        &self,
        statement: &'static str,
        viewer: UserId,
        other: UserId,
    ) -> Result<(), SocialError> {
        self.within(async {
            let known: bool = sqlx::query_scalar(statement)
                .bind(viewer.uuid())
                .bind(other.uuid())
                .fetch_one(&self.pool)
                .await?;
            if known {
                Ok(())
            } else {
                Err(SocialError::USER)
            }
        })
        .await
    }
}

fn refuse_self(viewer: UserId, other: UserId) -> Result<(), SocialError> {
    if viewer == other {
        return Err(SocialError::SelfReference);
    }
    Ok(())
}
