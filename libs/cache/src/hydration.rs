//! What a page shows beside the ranking: bodies, counters and what the viewer did lately.

use nova_domain::{PostBody, PostId, UserId};
use redis::Pipeline;
use serde::{Deserialize, Serialize};

use crate::batch::{Batch, MOST_COMMANDS};
use crate::client::Cache;
use crate::counters::{PostRow, ask_counters, take_counters};
use crate::error::CacheError;
use crate::lists::{from_json, to_json};
use crate::metrics::Operation;
use crate::overlay::{Overlay, ask_overlay, take_overlay};
use crate::reply::Replies;
use crate::{keys, ttl};

const WHAT: &str = "body";

/// A body as it is kept. It was read when the newest known change of the post was `post_version`: when another one is
/// known, or none, it may show what the post was before.
#[derive(Serialize, Deserialize)]
struct Kept<B> {
    #[serde(flatten)]
    body: B,
    post_version: u64,
}

/// All that one round trip tells about the posts of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hydration {
    /// What the viewer did lately.
    pub overlay: Overlay,
    /// What is known of each post, in the order of the posts.
    pub counters: Vec<Option<PostRow>>,
    /// What each shows, in the order of the posts; `None` has to be read from PostgreSQL.
    pub bodies: Vec<Option<PostBody>>,
}

impl Cache {
    /// What a page of these posts shows to a viewer. One round trip (per 500 posts), two commands per post and one more.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn hydration(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<Hydration, CacheError> {
        let mut hydration = Hydration::default();
        let (first, rest) = posts.split_at(posts.len().min(MOST_COMMANDS / 2));
        let chunks = std::iter::once(first).chain(rest.chunks(MOST_COMMANDS / 2));
        for (i, posts) in chunks.enumerate() {
            let mut ask = Pipeline::with_capacity(1 + 2 * posts.len());
            if i == 0 {
                ask_overlay(&mut ask, viewer);
            }
            ask_counters(&mut ask, posts);
            for post in posts {
                ask.cmd("GET").arg(keys::body(*post));
            }
            let operation = Operation::HYDRATION;
            let mut replies = Replies::new(operation, self.read(operation, &ask).await?);
            if i == 0 {
                hydration.overlay = take_overlay(&mut replies, viewer)?;
            }
            let counters = take_counters(&mut replies, posts)?;
            for (post, row) in posts.iter().zip(&counters) {
                let key = keys::body(*post);
                let value = replies.bytes(WHAT, || key.clone())?;
                let kept: Option<Kept<PostBody>> =
                    value.and_then(|value| from_json(&value, WHAT, &key));
                let known = row.and_then(|row| row.post_version);
                let body = kept.filter(|kept| Some(kept.post_version) == known);
                hydration.bodies.push(body.map(|kept| kept.body));
            }
            hydration.counters.extend(counters);
        }
        Ok(hydration)
    }

    /// Keeps what posts show, each for [`ttl::BODY`], with the [`PostRow::post_version`] that was known *before* the body
    /// was read from PostgreSQL: unless that version is the known one the body counts as missing, so that a late write of
    /// an old one does no harm. One round trip per 1,000 posts.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take them; some may have been written.
    pub async fn store_bodies(
        &self,
        bodies: &[(PostId, &PostBody, u64)],
    ) -> Result<(), CacheError> {
        let mut batch = Batch::default();
        for (post, body, post_version) in bodies {
            let kept = Kept {
                body,
                post_version: *post_version,
            };
            let json = to_json(&kept, WHAT)?;
            batch.command("SET", keys::body(*post), |set| {
                set.arg(json).arg("EX").arg(ttl::BODY.as_secs());
            });
        }
        self.write(Operation::STORE_BODIES, batch).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use nova_domain::{MediaType, Visibility};
    use proptest::prelude::*;
    use proptest::sample::select;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn bodies_come_back_as_they_were(
            author: u128, caption: String, media_url: String, duration_ms: u32,
            media_type in select(MediaType::ALL), visibility in select(Visibility::ALL),
            micros in 0..4_102_444_800_000_000_i64,
        ) {
            let body = PostBody {
                author_id: Uuid::from_u128(author).into(),
                caption, media_url, media_type, duration_ms, visibility,
                created_at: DateTime::from_timestamp_micros(micros).unwrap(),
            };
            let json = to_json(&Kept { body: &body, post_version: 0 }, WHAT).unwrap();
            let kept: Kept<PostBody> = from_json(&json, WHAT, "test").unwrap();
            prop_assert_eq!(kept.body, body);
        }

        #[test]
        fn garbage_is_no_body(bytes: Vec<u8>) {
            prop_assert_eq!(from_json::<PostBody>(&bytes, WHAT, "test"), None);
        }
    }

    #[test]
    fn a_body_as_others_read_it() {
        let body = PostBody {
            author_id: "0190b5a0-0000-7000-8000-000000000001".parse().unwrap(),
            caption: "Hallo".to_owned(),
            media_url: "https://media.example/1".to_owned(),
            media_type: MediaType::Video,
            duration_ms: 15_000,
            visibility: Visibility::Followers,
            created_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        };
        let kept = Kept {
            body,
            post_version: 7,
        };
        let json = String::from_utf8(to_json(&kept, WHAT).unwrap()).unwrap();
        assert_eq!(
            json,
            r#"{"author_id":"0190b5a0-0000-7000-8000-000000000001","caption":"Hallo","media_url":"https://media.example/1","media_type":"video","duration_ms":15000,"visibility":"followers","created_at":"2027-01-15T08:00:00Z","post_version":7}"#
        );
    }
}
