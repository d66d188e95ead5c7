//! One's own profile.

use chrono::{DateTime, Utc};
use nova_domain::{DisplayName, Handle, UserId};
use uuid::Uuid;

use crate::error::SocialError;
use crate::model::Profile;
use crate::social::Social;

#[derive(sqlx::FromRow)]
struct ProfileRow {
    user_id: Uuid,
    handle: String,
    display_name: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        Self {
            user_id: row.user_id.into(),
            handle: row.handle,
            display_name: row.display_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Social {
    /// Creates or updates a user's own profile.
    ///
    /// # Errors
    /// [`SocialError::HandleTaken`] when another user has the handle.
    pub async fn upsert_profile(
        &self,
        user: UserId,
        handle: &Handle,
        display_name: &DisplayName,
    ) -> Result<Profile, SocialError> {
        self.within(async {
            let row: ProfileRow = sqlx::query_as(include_str!("../sql/upsert_profile.sql"))
                .bind(user.uuid())
                .bind(handle.as_str())
                .bind(display_name.as_str())
                .fetch_one(&self.pool)
                .await?;
            Ok(row.into())
        })
        .await
    }
}
