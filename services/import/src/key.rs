//! Ids from a source's keys.
//!
//! A key that is a UUID (hyphenated) is the id. Any other key is hashed together with a namespace and the kind of thing
//! it names, so that the key `1` of a user, of a post, and of another source are three ids. Ids of posts, comments and
//! events are version 7 and begin with the time *of the source*, before any shift, so that a repeated import with
//! another shift gives the same ids; those of users are version 5, because a reference to a user carries no time.

use chrono::{DateTime, Utc};
use nova_domain::{CommentId, EventId, PostId, UserId, uuid_v7_from_key};
use sha2::{Digest as _, Sha256};
use uuid::{Uuid, uuid};

/// Namespace of the version 5 ids of users. Changing it changes every imported user's id.
const USERS: Uuid = uuid!("5b3dcb9e-5b65-4d6c-8c32-5f0a6f0f6a6d");

/// Makes the ids of one source.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    namespace: String,
}

impl Keys {
    pub(crate) fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
        }
    }

    /// A digest of the key in this namespace: 32 bytes that look random and never change.
    pub(crate) fn digest(&self, kind: &str, key: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        // The lengths keep ("a", "bc") and ("ab", "c") apart.
        for part in [self.namespace.as_str(), kind, key] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }

    pub(crate) fn user(&self, key: &str) -> UserId {
        as_uuid(key).map_or_else(
            || UserId::new(Uuid::new_v5(&USERS, &self.digest("user", key))),
            UserId::new,
        )
    }

    pub(crate) fn post(&self, key: &str, at: DateTime<Utc>) -> PostId {
        PostId::new(self.timed("post", key, at))
    }

    pub(crate) fn comment(&self, key: &str, at: DateTime<Utc>) -> CommentId {
        CommentId::new(self.timed("comment", key, at))
    }

    pub(crate) fn event(&self, key: &str, at: DateTime<Utc>) -> EventId {
        EventId::new(self.timed("event", key, at))
    }

    fn timed(&self, kind: &str, key: &str, at: DateTime<Utc>) -> Uuid {
        as_uuid(key).unwrap_or_else(|| uuid_v7_from_key(at, &self.digest(kind, key)))
    }
}

/// The key as an id, when it is one.
pub(crate) fn as_uuid(key: &str) -> Option<Uuid> {
    let uuid = key.parse::<PostId>().ok()?.uuid();
    // The nil UUID is what defaults look like: never an id.
    (!uuid.is_nil()).then_some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    #[test]
    fn a_uuid_is_kept() {
        let keys = Keys::new("x");
        let text = "0190b5a0-0000-7000-8000-000000000001";
        assert_eq!(keys.user(text).to_string(), text);
        assert_eq!(keys.post(text, at(5)).to_string(), text);
        assert_ne!(keys.user(&Uuid::nil().to_string()).uuid(), Uuid::nil());
    }

    /// Ids are a contract with every database that was ever imported into.
    #[test]
    fn ids_do_not_change_between_releases() {
        let keys = Keys::new("default");
        insta::assert_debug_snapshot!((
            keys.user("1"),
            keys.post("1", at(1_500_000_000_000)),
            keys.comment("1", at(1_500_000_000_000)),
            keys.event("1", at(1_500_000_000_000))
        ),);
    }

    proptest! {
        #[test]
        fn ids_depend_on_kind_key_and_namespace_alone(key in ".{0,40}", other in ".{0,40}", ms in 0_i64..4_000_000_000_000) {
            prop_assume!(as_uuid(&key).is_none() && as_uuid(&other).is_none());
            let keys = Keys::new("a");
            prop_assert_eq!(keys.user(&key), Keys::new("a").user(&key));
            prop_assert_eq!(keys.post(&key, at(ms)), Keys::new("a").post(&key, at(ms)));
            prop_assert_ne!(keys.user(&key), Keys::new("b").user(&key));
            prop_assert_ne!(keys.post(&key, at(ms)).uuid(), keys.comment(&key, at(ms)).uuid());
            prop_assert_eq!(key == other, keys.user(&key) == keys.user(&other));
            prop_assert_eq!(key == other, keys.post(&key, at(ms)) == keys.post(&other, at(ms)));
        }

        #[test]
        fn ids_of_posts_sort_by_time(a in 0_i64..4_000_000_000_000, b in 0_i64..4_000_000_000_000) {
            prop_assume!(a < b);
            let keys = Keys::new("a");
            prop_assert!(keys.post("p", at(a)) < keys.post("p", at(b)));
        }
    }
}
