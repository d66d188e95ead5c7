//! Every key, in one place: nobody else formats one.
//!
//! Ids are hyphenated lower-case UUIDs. Words in braces are hash tags: on a cluster the keys that share one are
//! neighbours, which is what a script over two keys needs.

use std::fmt::Write as _;

use nova_domain::{PostId, UserId};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// The most engaging posts of the last hour, a JSON array.
pub const HOT_POSTS: &str = "hot:posts:1h";

/// Source time in ms of the newest change that went through the whole pipeline.
pub const PIPELINE_SEEN: &str = "pipeline:seen";

/// A page of a feed as it was answered.
#[must_use]
pub fn feed_page(viewer: UserId, offset: u32, limit: u32) -> String {
    // Two numbers of ten digits and their colons.
    let mut key = prefixed("feed:v1:", viewer.uuid(), 22);
    // Writing into a String cannot fail.
    let _ = write!(key, ":{offset}:{limit}");
    key
}

/// A whole ranking.
#[must_use]
pub fn snapshot(viewer: UserId, id: Uuid) -> String {
    let mut key = prefixed("feed:snapshot:", viewer.uuid(), 1 + Hyphenated::LENGTH);
    key.push(':');
    push_id(&mut key, id);
    key
}

/// What is known of an active viewer, a hash.
#[must_use]
pub fn viewer(viewer: UserId) -> String {
    of("feed:viewer:", viewer.uuid())
}

/// What a viewer did lately, a hash.
#[must_use]
pub fn overlay(viewer: UserId) -> String {
    of("overlay:", viewer.uuid())
}

/// The counters of a post, a hash.
#[must_use]
pub fn counters(post: PostId) -> String {
    of("post:", post.uuid())
}

/// What a post shows, JSON.
#[must_use]
pub fn body(post: PostId) -> String {
    of("post:body:", post.uuid())
}

/// Everybody blocked either way, a JSON array.
#[must_use]
pub fn blocks(viewer: UserId) -> String {
    of("blocks:", viewer.uuid())
}

/// The users suggested to a viewer, a JSON array.
#[must_use]
pub fn suggested_users(viewer: UserId) -> String {
    of("suggest:users:", viewer.uuid())
}

/// Held by the one process that ranks for a viewer.
#[must_use]
pub fn rank_lock(viewer: UserId) -> String {
    of("lock:rank:", viewer.uuid())
}

/// Held by the one process that runs a job. The braces are part of the key.
#[must_use]
pub fn job_lock(name: &str) -> String {
    format!("lock:job:{{{name}}}")
}

/// The last fence given to a job. The braces are part of the key: it is a neighbour of the job's lock.
#[must_use]
pub fn job_fence(name: &str) -> String {
    format!("fence:job:{{{name}}}")
}

/// The fence of the last write to `key`. The braces are part of the key: it is a neighbour of `key` itself.
#[must_use]
pub fn write_fence(key: &str) -> String {
    format!("{{{key}}}:fence")
}

fn of(prefix: &str, id: Uuid) -> String {
    prefixed(prefix, id, 0)
}

/// With room for what follows, so that a key is one allocation: a page asks for some twenty of them.
fn prefixed(prefix: &str, id: Uuid, room: usize) -> String {
    let mut key = String::with_capacity(prefix.len() + Hyphenated::LENGTH + room);
    key.push_str(prefix);
    push_id(&mut key, id);
    key
}

fn push_id(key: &mut String, id: Uuid) {
    key.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
}

#[cfg(test)]
mod tests {
    use super::*;

    const U: &str = "0190b5a0-0000-7000-8000-00000000000a";
    const V: &str = "0190b5a0-0000-7000-8000-00000000000b";

    #[test]
    fn every_key_of_the_contract() {
        let user: UserId = U.parse().unwrap();
        let post: PostId = V.parse().unwrap();
        let id = post.uuid();
        let all = [
            (feed_page(user, 0, 20), format!("feed:v1:{U}:0:20")),
            (feed_page(user, 180, 100), format!("feed:v1:{U}:180:100")),
            (snapshot(user, id), format!("feed:snapshot:{U}:{V}")),
            (viewer(user), format!("feed:viewer:{U}")),
            (overlay(user), format!("overlay:{U}")),
            (counters(post), format!("post:{V}")),
            (body(post), format!("post:body:{V}")),
            (blocks(user), format!("blocks:{U}")),
            (suggested_users(user), format!("suggest:users:{U}")),
            (rank_lock(user), format!("lock:rank:{U}")),
            (job_lock("hot_posts"), "lock:job:{hot_posts}".to_owned()),
            (job_fence("hot_posts"), "fence:job:{hot_posts}".to_owned()),
            (write_fence(HOT_POSTS), "{hot:posts:1h}:fence".to_owned()),
            (HOT_POSTS.to_owned(), "hot:posts:1h".to_owned()),
            (PIPELINE_SEEN.to_owned(), "pipeline:seen".to_owned()),
        ];
        for (key, expected) in all {
            assert_eq!(key, expected);
        }
    }

    /// What of a key a cluster hashes: what is between the first braces, else all of it.
    fn hashed(key: &str) -> &str {
        let tag = key
            .split_once('{')
            .and_then(|(_, rest)| rest.split_once('}'));
        tag.map_or(key, |(tag, _)| tag)
    }

    #[test]
    fn keys_of_one_script_share_a_slot() {
        assert_eq!(hashed(&job_lock("warmer")), hashed(&job_fence("warmer")));
        let user: UserId = U.parse().unwrap();
        for key in [HOT_POSTS.to_owned(), suggested_users(user)] {
            assert_eq!(hashed(&key), hashed(&write_fence(&key)));
        }
    }
}
