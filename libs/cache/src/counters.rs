//! Counters of posts: absolute numbers with the version of the facts they were counted from.

use nova_domain::{EventCounts, PostCounts, PostId};
use redis::{Cmd, Pipeline};

use crate::batch::{Batch, MOST_COMMANDS};
use crate::client::Cache;
use crate::error::CacheError;
use crate::metrics::Operation;
use crate::reply::{Replies, or_miss, parse_field};
use crate::{keys, scripts, ttl};

pub(crate) const WHAT: &str = "counters";

/// The fields of [`PostRow`], in the order in which they are read.
const FIELDS: [&str; 9] = [
    "likes",
    "comments",
    "deleted",
    "shares",
    "impressions",
    "views",
    "version",
    "events_version",
    "post_version",
];

/// Those that an answer shows or a ranking scores by, in the order in which they are read: each field of each post is a
/// look-up in Redis and an allocation here.
const SERVED: [&str; 6] = [
    "likes",
    "comments",
    "deleted",
    "shares",
    "impressions",
    "post_version",
];

/// Room for `HMGET post:ID` and [`SERVED`] as they are sent.
const SERVED_BYTES: usize = 96;

/// What is known of a post. A field that is missing is `None`: unknown, never 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PostRow {
    /// Likes.
    pub likes: Option<u64>,
    /// Comments.
    pub comments: Option<u64>,
    /// Whether it is known to be deleted.
    pub deleted: bool,
    /// Shares.
    pub shares: Option<u64>,
    /// Impressions.
    pub impressions: Option<u64>,
    /// Views.
    pub views: Option<u64>,
    /// Version of `likes` and `comments`.
    pub version: Option<u128>,
    /// Version of `shares`, `impressions` and `views`.
    pub events_version: Option<u64>,
    /// LSN of the newest change of the post itself that is known: what shows an older one shows something else.
    pub post_version: Option<u64>,
}

impl Cache {
    /// What is known of posts, in their order; `None` where nothing is. One round trip per 1,000 posts.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn counters(&self, posts: &[PostId]) -> Result<Vec<Option<PostRow>>, CacheError> {
        let mut rows = Vec::with_capacity(posts.len());
        for posts in posts.chunks(MOST_COMMANDS) {
            let mut ask = Pipeline::with_capacity(posts.len());
            for post in posts {
                ask.cmd("HMGET").arg(keys::counters(*post)).arg(&FIELDS);
            }
            let operation = Operation::COUNTERS;
            let mut replies = Replies::new(operation, self.read(operation, &ask).await?);
            rows.extend(take(&mut replies, posts, decode)?);
        }
        Ok(rows)
    }

    /// As [`Cache::counters`], what answers and rankings need of it: views and the versions of counts are `None`.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn served_counters(
        &self,
        posts: &[PostId],
    ) -> Result<Vec<Option<PostRow>>, CacheError> {
        let mut rows = Vec::with_capacity(posts.len());
        for posts in posts.chunks(MOST_COMMANDS) {
            let mut ask = Pipeline::with_capacity(posts.len());
            ask_counters(&mut ask, posts);
            let operation = Operation::COUNTERS;
            let mut replies = Replies::new(operation, self.read(operation, &ask).await?);
            rows.extend(take_counters(&mut replies, posts)?);
        }
        Ok(rows)
    }

    /// Writes likes and comments, each where its version is newer than what is there: how many were. An older or equal
    /// version changes nothing. One round trip per 1,000 posts.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take them. Some may have been written; writing all again is harmless.
    pub async fn apply_counts(&self, counts: &[PostCounts]) -> Result<usize, CacheError> {
        let mut batch = Batch::default();
        for c in counts {
            let fields = [("likes", c.likes), ("comments", c.comments)];
            apply(
                &mut batch,
                c.post,
                "version",
                &version_text(c.version),
                &fields,
            );
        }
        self.apply(Operation::APPLY_COUNTS, batch).await
    }

    /// As [`Cache::apply_counts`], for what clients reported.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take them. Some may have been written; writing all again is harmless.
    pub async fn apply_event_counts(&self, counts: &[EventCounts]) -> Result<usize, CacheError> {
        let mut batch = Batch::default();
        for c in counts {
            let fields = [
                ("shares", c.shares),
                ("impressions", c.impressions),
                ("views", c.views),
            ];
            apply(
                &mut batch,
                c.post,
                "events_version",
                &lsn_text(c.version),
                &fields,
            );
        }
        self.apply(Operation::APPLY_COUNTS, batch).await
    }

    /// Notes that posts changed, and whether they are deleted now, each where its LSN is newer than what is there: how
    /// many were.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take them. Some may have been written; writing all again is harmless.
    pub async fn apply_deleted(&self, posts: &[(PostId, bool, u64)]) -> Result<usize, CacheError> {
        let mut batch = Batch::default();
        for (post, deleted, lsn) in posts {
            let fields = [("deleted", u64::from(*deleted))];
            apply(&mut batch, *post, "post_version", &lsn_text(*lsn), &fields);
        }
        self.apply(Operation::APPLY_COUNTS, batch).await
    }
}

fn apply(batch: &mut Batch, post: PostId, version: &str, value: &str, fields: &[(&str, u64)]) {
    let arguments = (version, value, ttl::COUNTERS.as_secs(), fields);
    batch.script(&scripts::NEWER_FIELDS, keys::counters(post), arguments);
}

/// 39 digits hold every `u128`: as text they order as the numbers do.
fn version_text(version: u128) -> String {
    format!("{version:039}")
}

/// 20 digits hold every `u64`: as text they order as the numbers do.
pub(crate) fn lsn_text(lsn: u64) -> String {
    format!("{lsn:020}")
}

/// One command per post, for the fields in [`SERVED`].
pub(crate) fn ask_counters(ask: &mut Pipeline, posts: &[PostId]) {
    for post in posts {
        let mut command = Cmd::with_capacity(2 + SERVED.len(), SERVED_BYTES);
        command.arg("HMGET").arg(keys::counters(*post)).arg(&SERVED);
        ask.add_command(command);
    }
}

/// The answers to [`ask_counters`].
pub(crate) fn take_counters(
    replies: &mut Replies,
    posts: &[PostId],
) -> Result<Vec<Option<PostRow>>, CacheError> {
    take(replies, posts, decode_served)
}

/// The fields of a hash, in the order in which they were asked for.
type Fields<const N: usize> = [Option<Vec<u8>>; N];

fn take<const N: usize>(
    replies: &mut Replies,
    posts: &[PostId],
    decode: fn(&Fields<N>) -> Result<PostRow, String>,
) -> Result<Vec<Option<PostRow>>, CacheError> {
    let rows = posts.iter().map(|post| {
        let key = || keys::counters(*post);
        let fields = replies.fields(WHAT, key)?;
        Ok(fields.and_then(|fields| or_miss(decode(&fields), WHAT, key)))
    });
    rows.collect()
}

fn decode_served(fields: &Fields<{ SERVED.len() }>) -> Result<PostRow, String> {
    let [likes, comments, deleted, shares, impressions, post_version] = fields;
    Ok(PostRow {
        likes: parse_field(likes.as_ref())?,
        comments: parse_field(comments.as_ref())?,
        deleted: flag(deleted.as_ref())?,
        shares: parse_field(shares.as_ref())?,
        impressions: parse_field(impressions.as_ref())?,
        post_version: parse_field(post_version.as_ref())?,
        ..PostRow::default()
    })
}

fn flag(field: Option<&Vec<u8>>) -> Result<bool, String> {
    match field.map(Vec::as_slice) {
        None | Some(b"0") => Ok(false),
        Some(b"1") => Ok(true),
        Some(_) => Err("deleted must be 0 or 1".to_owned()),
    }
}

fn decode(fields: &Fields<{ FIELDS.len() }>) -> Result<PostRow, String> {
    let [
        likes,
        comments,
        deleted,
        shares,
        impressions,
        views,
        version,
        events_version,
        post_version,
    ] = fields;
    Ok(PostRow {
        likes: parse_field(likes.as_ref())?,
        comments: parse_field(comments.as_ref())?,
        deleted: flag(deleted.as_ref())?,
        shares: parse_field(shares.as_ref())?,
        impressions: parse_field(impressions.as_ref())?,
        views: parse_field(views.as_ref())?,
        version: parse_field(version.as_ref())?,
        events_version: parse_field(events_version.as_ref())?,
        post_version: parse_field(post_version.as_ref())?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = PostRow> {
        let number = || proptest::option::of(any::<u64>());
        (
            (number(), number(), any::<bool>(), number()),
            (
                number(),
                number(),
                proptest::option::of(any::<u128>()),
                number(),
                number(),
            ),
        )
            .prop_map(|((likes, comments, deleted, shares), rest)| {
                let (impressions, views, version, events_version, post_version) = rest;
                PostRow {
                    likes,
                    comments,
                    deleted,
                    shares,
                    impressions,
                    views,
                    version,
                    events_version,
                    post_version,
                }
            })
    }

    fn fields(row: &PostRow) -> [Option<Vec<u8>>; FIELDS.len()] {
        let number = |n: Option<u64>| n.map(|n| n.to_string().into_bytes());
        [
            number(row.likes),
            number(row.comments),
            Some(vec![b'0' + u8::from(row.deleted)]),
            number(row.shares),
            number(row.impressions),
            number(row.views),
            row.version.map(|v| version_text(v).into_bytes()),
            row.events_version.map(|v| lsn_text(v).into_bytes()),
            row.post_version.map(|v| lsn_text(v).into_bytes()),
        ]
    }

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(row in row()) {
            let all = fields(&row);
            prop_assert_eq!(decode(&all), Ok(row));
            // What is served is the same, as far as it goes.
            let served = SERVED.map(|name| {
                let place = FIELDS.iter().position(|field| *field == name).unwrap();
                all[place].clone()
            });
            let row = PostRow { views: None, version: None, events_version: None, ..row };
            prop_assert_eq!(decode_served(&served), Ok(row));
        }

        #[test]
        fn versions_order_as_text_as_they_do_as_numbers(a: u128, b: u128, c: u64, d: u64) {
            prop_assert_eq!(a.cmp(&b), version_text(a).cmp(&version_text(b)));
            prop_assert_eq!(c.cmp(&d), lsn_text(c).cmp(&lsn_text(d)));
            prop_assert_eq!((version_text(a).len(), lsn_text(c).len()), (39, 20));
        }

        #[test]
        fn garbage_is_no_row(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assume!(std::str::from_utf8(&bytes).map_or(true, |t| t.parse::<u64>().is_err()));
            let mut broken = fields(&PostRow::default());
            broken[0] = Some(bytes);
            prop_assert!(decode(&broken).is_err());
        }
    }

    #[test]
    fn a_missing_field_is_unknown_and_not_zero() {
        let mut some = [const { None }; FIELDS.len()];
        some[2] = Some(b"1".to_vec());
        let row = decode(&some).unwrap();
        assert_eq!((row.likes, row.shares, row.version), (None, None, None));
        assert!(row.deleted);
    }
}
