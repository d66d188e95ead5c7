//! The same request twice makes one thing and gets one answer.

use std::future::Future;
use std::time::Duration;

use nova_domain::UserId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::error::SocialError;
use crate::model::Created;
use crate::social::Social;

/// A key that a client made for one request: 1 to 255 visible ASCII characters. Keys of different users are different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 255 visible ASCII characters")]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Longest key, in characters.
    pub const MAX_CHARS: usize = 255;

    /// Checks the form of a key.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, IdempotencyKeyError> {
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        if text.is_empty() || text.len() > Self::MAX_CHARS || !visible {
            return Err(IdempotencyKeyError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells requests apart: a digest of the operation and everything it was given.
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(crate) fn of(operation: &str) -> Self {
        Self(Sha256::new()).with(operation.as_bytes())
    }

    /// Adds a value with its length, so that two neighbours cannot trade characters.
    pub(crate) fn with(mut self, value: &[u8]) -> Self {
        self.0.update(value.len().to_be_bytes());
        self.0.update(value);
        self
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl Social {
    /// Runs `make` in a transaction, once for each key: a later call with the same key and fingerprint gets the answer
    /// of the first, one that comes while the first runs waits for it. A `make` that fails leaves the key free.
    pub(crate) async fn once<T, F>(
        &self,
        user: UserId,
        key: &IdempotencyKey,
        fingerprint: Fingerprint,
        make: F,
    ) -> Result<Created<T>, SocialError>
    where
        T: Serialize + DeserializeOwned + Sync,
        F: AsyncMake<T>,
    {
        let hash = fingerprint.finish();
        let mut transaction = self.pool.begin().await?;
        let taken = sqlx::query(include_str!("../sql/take_idempotency_key.sql"))
            .bind(user.uuid())
            .bind(key.as_str())
            .bind(&hash[..])
            .execute(&mut *transaction)
            .await?;
        if taken.rows_affected() == 0 {
            let value = kept_answer(&mut transaction, user, key, &hash).await?;
            return Ok(Created {
                value,
                replayed: true,
            });
        }
        let value = make.make(&mut transaction).await?;
        sqlx::query(include_str!("../sql/keep_answer.sql"))
            .bind(user.uuid())
            .bind(key.as_str())
            .bind(Json(&value))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Created {
            value,
            replayed: false,
        })
    }

    /// Forgets idempotency keys older than `age`, at most `limit` of them, and says how many it forgot.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn purge_idempotency_keys(
        &self,
        age: Duration,
        limit: u32,
    ) -> Result<u64, SocialError> {
        self.within(async {
            let purged = sqlx::query(include_str!("../sql/purge_idempotency_keys.sql"))
                .bind(age.as_secs_f64())
                .bind(i64::from(limit))
                .execute(&self.pool)
                .await?;
            Ok(purged.rows_affected())
        })
        .await
    }
}

/// What [`Social::once`] runs on the connection of its transaction.
pub(crate) trait AsyncMake<T>: Send {
    fn make(
        self,
        connection: &mut PgConnection,
    ) -> impl Future<Output = Result<T, SocialError>> + Send;
}

async fn kept_answer<T>(
    transaction: &mut Transaction<'static, Postgres>,
    user: UserId,
    key: &IdempotencyKey,
    hash: &[u8; 32],
) -> Result<T, SocialError>
where
    T: DeserializeOwned,
{
    let kept: Option<(Vec<u8>, Option<serde_json::Value>)> =
        sqlx::query_as(include_str!("../sql/kept_answer.sql"))
            .bind(user.uuid())
            .bind(key.as_str())
            .fetch_optional(&mut **transaction)
            .await?;
    // Purged between the two statements: the client's next attempt starts afresh.
    let Some((kept_hash, answer)) = kept else {
        return Err(SocialError::Unavailable(
            "the idempotency key has just expired".into(),
        ));
    };
    // First the hash: the answer to another operation has another form.
    if kept_hash != hash {
        return Err(SocialError::IdempotencyConflict);
    }
    serde_json::from_value(answer.unwrap_or_default()).map_err(|source| {
        SocialError::Database(sqlx::Error::ColumnDecode {
            index: "answer".to_owned(),
            source: source.into(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii() {
        assert!(IdempotencyKey::parse("0190b5a0-0000-7000-8000-000000000001").is_ok());
        assert!(IdempotencyKey::parse(&"k".repeat(255)).is_ok());
        for bad in ["", "with space", "tab\t", "ümlaut", &"k".repeat(256)] {
            assert_eq!(
                IdempotencyKey::parse(bad),
                Err(IdempotencyKeyError),
                "{bad}"
            );
        }
    }

    #[test]
    fn neighbouring_values_do_not_run_together() {
        let print = |a: &str, b: &str| {
            Fingerprint::of("post")
                .with(a.as_bytes())
                .with(b.as_bytes())
                .finish()
        };
        assert_ne!(print("ab", "c"), print("a", "bc"));
        assert_eq!(print("ab", "c"), print("ab", "c"));
        assert_ne!(
            Fingerprint::of("post").finish(),
            Fingerprint::of("comment").finish()
        );
    }
}
