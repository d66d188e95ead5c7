//! Lists that jobs make and everybody reads: hot posts, suggested users.

use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_domain::{PostId, UserId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::batch::{Batch, wrote};
use crate::client::Cache;
use crate::counters::lsn_text;
use crate::error::CacheError;
use crate::metrics::Operation;
use crate::reply::or_miss;
use crate::{keys, scripts, ttl};

/// Hot posts that are kept.
pub const HOT_POSTS: usize = 200;

/// Users suggested to one viewer.
pub const SUGGESTED_USERS: usize = 20;

const HOT: &str = "hot posts";
const SUGGESTIONS: &str = "suggestions";

/// One of the most engaging posts of the last hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HotPost {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
    /// The engagement term of its score.
    pub engagement: f64,
    /// The freshness term of its score.
    pub freshness: f64,
    /// Both, weighted. Finite.
    pub score: f64,
}

/// Why a user is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SuggestionReason {
    /// The viewer interacted with their posts.
    Engaged {
        /// How often, in the last 90 days.
        interactions: u64,
    },
    /// Users with the viewer's taste interact with their posts.
    Similar {
        /// How many such users.
        users: u64,
    },
    /// Many follow them.
    Popular {
        /// How many.
        followers: u64,
    },
}

/// A user suggested to a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The user.
    pub user_id: UserId,
    /// Higher is better. Finite.
    pub score: f64,
    /// Interactions of the viewer with the user's posts.
    pub interactions: u64,
    /// Why.
    pub reason: SuggestionReason,
}

impl Cache {
    /// The hot posts, best first; `None` when there is no list. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn hot_posts(&self) -> Result<Option<Vec<HotPost>>, CacheError> {
        self.list(HOT, keys::HOT_POSTS).await
    }

    /// Stores the hot posts, best first, at most [`HOT_POSTS`], for [`ttl::HOT`]: `false` when somebody with a greater
    /// fence has stored some. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take them, or a score is not finite.
    pub async fn store_hot_posts(&self, posts: &[HotPost], fence: u64) -> Result<bool, CacheError> {
        let posts = &posts[..posts.len().min(HOT_POSTS)];
        let json = to_json(posts, HOT)?;
        self.set_fenced(keys::HOT_POSTS, &json, ttl::HOT, fence)
            .await
    }

    /// The users suggested to a viewer, best first; `None` when there is no list. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn suggestions(&self, viewer: UserId) -> Result<Option<Vec<Suggestion>>, CacheError> {
        self.list(SUGGESTIONS, &keys::suggested_users(viewer)).await
    }

    /// Stores the users suggested to a viewer, best first, at most [`SUGGESTED_USERS`], for [`ttl::SUGGEST`]. One round
    /// trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take them, or a score is not finite.
    pub async fn store_suggestions(
        &self,
        viewer: UserId,
        users: &[Suggestion],
    ) -> Result<(), CacheError> {
        let users = &users[..users.len().min(SUGGESTED_USERS)];
        let json = to_json(users, SUGGESTIONS)?;
        let mut batch = Batch::default();
        batch.command("SET", keys::suggested_users(viewer), |set| {
            set.arg(json).arg("EX").arg(ttl::SUGGEST.as_secs());
        });
        self.write(Operation::STORE_LIST, batch).await.map(drop)
    }

    /// Sets a key for `ttl`, unless somebody with a greater fence has: whether it did. One round trip.
    ///
    /// The fence of the last write is kept beside the key ([`keys::write_fence`]), for a day.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take it.
    pub async fn set_fenced(
        &self,
        key: &str,
        value: &[u8],
        ttl: Duration,
        fence: u64,
    ) -> Result<bool, CacheError> {
        let mut batch = Batch::default();
        let arguments = (
            value,
            u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
            lsn_text(fence),
            ttl::WRITE_FENCE.as_secs(),
        );
        let fence_key = keys::write_fence(key);
        batch.script_with(&scripts::SET_FENCED, key.to_owned(), fence_key, arguments);
        let answers = self.write(Operation::STORE_LIST, batch).await?;
        Ok(answers.first().is_some_and(wrote))
    }

    async fn list<T: DeserializeOwned>(
        &self,
        what: &'static str,
        key: &str,
    ) -> Result<Option<Vec<T>>, CacheError> {
        let value = self.get(Operation::LIST, what, key).await?;
        Ok(value.and_then(|value| from_json(&value, what, key)))
    }
}

pub(crate) fn to_json<T>(value: &T, what: &'static str) -> Result<Vec<u8>, CacheError>
where
    T: Serialize + ?Sized,
{
    let corrupt = |error: serde_json::Error| CacheError::Corrupt {
        what,
        reason: error.to_string(),
    };
    serde_json::to_vec(value).map_err(corrupt)
}

/// A value, or a miss that is reported.
pub(crate) fn from_json<T: DeserializeOwned>(
    json: &[u8],
    what: &'static str,
    key: &str,
) -> Option<T> {
    // The error names line and column, and may quote a word of what users wrote.
    let decoded = serde_json::from_slice(json)
        .map_err(|error| format!("{:?} error at byte {}", error.classify(), error.column()));
    or_miss(decoded, what, || key.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn reason() -> impl Strategy<Value = SuggestionReason> {
        prop_oneof![
            any::<u64>().prop_map(|interactions| SuggestionReason::Engaged { interactions }),
            any::<u64>().prop_map(|users| SuggestionReason::Similar { users }),
            any::<u64>().prop_map(|followers| SuggestionReason::Popular { followers }),
        ]
    }

    fn finite() -> impl Strategy<Value = f64> {
        proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL
    }

    proptest! {
        #[test]
        fn hot_posts_come_back_as_they_were(
            ids: (u128, u128), micros in 0..4_102_444_800_000_000_i64,
            engagement in finite(), freshness in finite(), score in finite(),
        ) {
            let posts = vec![HotPost {
                post_id: Uuid::from_u128(ids.0).into(),
                author_id: Uuid::from_u128(ids.1).into(),
                created_at: DateTime::from_timestamp_micros(micros).unwrap(),
                engagement, freshness, score,
            }];
            let json = to_json(&posts, HOT).unwrap();
            prop_assert_eq!(from_json(&json, HOT, "test"), Some(posts));
        }

        #[test]
        fn suggestions_come_back_as_they_were(
            id: u128, score in finite(), interactions: u64, reason in reason(),
        ) {
            let user_id = Uuid::from_u128(id).into();
            let users = vec![Suggestion { user_id, score, interactions, reason }];
            let json = to_json(&users, SUGGESTIONS).unwrap();
            prop_assert_eq!(from_json(&json, SUGGESTIONS, "test"), Some(users));
        }
    }

    #[test]
    fn a_suggestion_as_others_read_it() {
        let suggestion = Suggestion {
            user_id: "0190b5a0-0000-7000-8000-000000000001".parse().unwrap(),
            score: 1.5,
            interactions: 3,
            reason: SuggestionReason::Engaged { interactions: 3 },
        };
        let json = String::from_utf8(to_json(&suggestion, SUGGESTIONS).unwrap()).unwrap();
        assert_eq!(
            json,
            r#"{"user_id":"0190b5a0-0000-7000-8000-000000000001","score":1.5,"interactions":3,"reason":{"kind":"engaged","interactions":3}}"#
        );
    }
}
