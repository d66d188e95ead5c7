//! Who follows whom, who has blocked whom.

use nova_domain::UserId;
use sqlx::{Postgres, Transaction};

use crate::error::SocialError;
use crate::social::Social;
use crate::written::{Unblocked, Written};

impl Social {
    /// `viewer` follows `followee` from now on.
    ///
    /// # Errors
    /// [`SocialError::SelfReference`]; [`SocialError::NotFound`] when there is no such user or one has blocked the other;
    /// [`SocialError::UnknownUser`].
    pub async fn follow(&self, viewer: UserId, followee: UserId) -> Result<Written, SocialError> {
        refuse_self(viewer, followee)?;
        self.within(async {
            let mut transaction = self.begin_pair(viewer, followee).await?;
            let (blocked, lsn): (bool, i64) = sqlx::query_as(include_str!("../sql/follow.sql"))
                .bind(viewer.uuid())
                .bind(followee.uuid())
                .fetch_one(&mut *transaction)
                .await?;
            if blocked {
                return Err(SocialError::USER);
            }
            transaction.commit().await?;
            Ok(Written::at(lsn))
        })
        .await
    }

    /// `viewer` no longer follows `followee`.
    ///
    /// # Errors
    /// [`SocialError::SelfReference`]; [`SocialError::NotFound`] when there is no such user.
    pub async fn unfollow(&self, viewer: UserId, followee: UserId) -> Result<Written, SocialError> {
        refuse_self(viewer, followee)?;
        self.within(async {
            let (known, lsn): (bool, i64) = sqlx::query_as(include_str!("../sql/unfollow.sql"))
                .bind(viewer.uuid())
                .bind(followee.uuid())
                .fetch_one(&self.pool)
                .await?;
            if known {
                Ok(Written::at(lsn))
            } else {
                Err(SocialError::USER)
            }
        })
        .await
    }

    /// `viewer` blocks `other`: neither sees the other's posts and comments, and neither follows the other any longer.
    ///
    /// # Errors
    /// [`SocialError::SelfReference`]; [`SocialError::NotFound`] when there is no such user;
    /// [`SocialError::UnknownUser`].
    pub async fn block(&self, viewer: UserId, other: UserId) -> Result<Written, SocialError> {
        refuse_self(viewer, other)?;
        self.within(async {
            let mut transaction = self.begin_pair(viewer, other).await?;
            sqlx::query(include_str!("../sql/block.sql"))
                .bind(viewer.uuid())
                .bind(other.uuid())
                .execute(&mut *transaction)
                .await?;
            let lsn: i64 = sqlx::query_scalar(include_str!("../sql/unfollow_both.sql"))
                .bind(viewer.uuid())
                .bind(other.uuid())
                .fetch_one(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(Written::at(lsn))
        })
        .await
    }

    /// `viewer` no longer blocks `other`. Follows that the block removed stay removed.
    ///
    /// # Errors
    /// [`SocialError::SelfReference`]; [`SocialError::NotFound`] when there is no such user.
    pub async fn unblock(&self, viewer: UserId, other: UserId) -> Result<Unblocked, SocialError> {
        refuse_self(viewer, other)?;
        self.within(async {
            let mut transaction = self.begin_pair(viewer, other).await?;
            let (known, still_blocked, lsn): (bool, bool, i64) =
                sqlx::query_as(include_str!("../sql/unblock.sql"))
                    .bind(viewer.uuid())
                    .bind(other.uuid())
                    .fetch_one(&mut *transaction)
                    .await?;
            transaction.commit().await?;
            if known {
                Ok(Unblocked {
                    written: Written::at(lsn),
                    still_blocked,
                })
            } else {
                Err(SocialError::USER)
            }
        })
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
}

fn refuse_self(viewer: UserId, other: UserId) -> Result<(), SocialError> {
    if viewer == other {
        return Err(SocialError::SelfReference);
    }
    Ok(())
}
