//! One newtype per kind of id, so that two of them cannot be swapped in a call.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text that is not a UUID in the hyphenated form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{given}` is not a UUID")]
pub struct ParseIdError {
    given: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to name this kind of thing.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// A fresh id, version 7: ids made later sort later (to the millisecond).
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID, for drivers.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hyphenated(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id! {
    /// A user of the network: the `sub` of a token, the author of a post, a viewer of a feed.
    UserId
}
id! {
    /// A post.
    PostId
}
id! {
    /// A comment on a post.
    CommentId
}
id! {
    /// A client event. Made by the client: it is the deduplication key.
    EventId
}

/// The `uuid` crate also takes `urn:uuid:…`, `{…}` and 32 hex digits; one spelling keeps keys unambiguous.
fn parse_hyphenated(text: &str) -> Result<Uuid, ParseIdError> {
    let refuse = || ParseIdError {
        given: text.chars().take(64).collect(),
    };
    if text.len() != 36 {
        return Err(refuse());
    }
    Uuid::try_parse(text).map_err(|_| refuse())
}

/// A version 7 UUID made from a time and a digest of a source key: the same input gives the same id, and ids sort
/// by time as generated ones do. Only the first ten bytes of `digest` are used (74 bits).
///
/// Times before 1970 count as 1970.
#[must_use]
pub fn uuid_v7_from_key(at: DateTime<Utc>, digest: &[u8; 32]) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let mut random = [0_u8; 10];
    random.copy_from_slice(&digest[..10]);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let text = "0190b5a0-0000-7000-8000-000000000001";
        assert_eq!(text.parse::<PostId>().unwrap().to_string(), text);
        for bad in [
            "",
            "1",
            "not-a-uuid",
            "0190b5a0000070008000000000000001",
            "{0190b5a0-0000-7000-8000-000000000001}",
            "urn:uuid:0190b5a0-0000-7000-8000-000000000001",
            "0190b5a0-0000-7000-8000-00000000000g",
        ] {
            assert!(bad.parse::<PostId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_derived_id_is_a_version_7_uuid_that_sorts_by_time() {
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        let early = uuid_v7_from_key(at(1_500_000_000_000), &[0xff; 32]);
        let late = uuid_v7_from_key(at(1_500_000_000_001), &[0; 32]);
        assert!(early < late);
        assert_eq!(early.get_version_num(), 7);
        assert_eq!(early, uuid_v7_from_key(at(1_500_000_000_000), &[0xff; 32]));
    }
}
