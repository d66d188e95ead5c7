//! When the posts of a source were made: what it takes to find a post's id by its key.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use nova_domain::PostId;

use crate::defect::{Defect, Reason};
use crate::key::{Keys, as_uuid};

/// One entry per post whose key is not a UUID: half of the key's digest and the time in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct PostTimes {
    by_digest: HashMap<u128, i64>,
}

impl PostTimes {
    /// Notes a good post. A key that was noted with another time would name two posts.
    pub(crate) fn note(
        &mut self,
        keys: &Keys,
        key: &str,
        at: DateTime<Utc>,
    ) -> Result<PostId, Reason> {
        if as_uuid(key).is_none() {
            let millis = at.timestamp_millis();
            let noted = *self.by_digest.entry(half(keys, key)).or_insert(millis);
            if noted != millis {
                let detail = "an earlier line has this key with another created_at";
                return Err(Reason::about(Defect::RepeatedKey, "key", detail));
            }
        }
        Ok(keys.post(key, at))
    }

    /// The id of a post by its key.
    pub(crate) fn find(&self, keys: &Keys, key: &str) -> Result<PostId, Reason> {
        if let Some(uuid) = as_uuid(key) {
            return Ok(PostId::new(uuid));
        }
        self.by_digest
            .get(&half(keys, key))
            .and_then(|millis| DateTime::from_timestamp_millis(*millis))
            .map(|at| keys.post(key, at))
            .ok_or_else(|| {
                let key: String = key.chars().take(64).collect();
                let detail = format!("`{key}` is no good line of the posts file");
                Reason::new(Defect::UnknownPost, detail)
            })
    }
}

fn half(keys: &Keys, key: &str) -> u128 {
    let digest = keys.digest("post", key);
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half)
}
