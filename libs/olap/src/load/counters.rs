//! What Redis keeps of all posts, slice after slice in the order of the key.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::Row;
use nova_domain::{EventCounts, PostCounts, PostId};
use serde::Deserialize;
use uuid::Uuid;

use crate::candidates::time_param;
use crate::client::{Olap, within};
use crate::error::OlapError;
use crate::post_counts::PostState;

const COUNTERS: &str = include_str!("../../../../clickhouse/queries/counters_in_order.sql");

/// Where a slice ends, read in the order of the key. A row may be there twice: a slice has fewer posts then.
const LAST: &str = "\
    SELECT count() AS entries, max(post_id) AS last \
    FROM (SELECT post_id FROM posts_cdc WHERE post_id > {after:UUID} ORDER BY post_id LIMIT {slice:UInt32})";

/// What Redis keeps of a post: exact numbers, each with the version that the projector gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostCounters {
    /// Likes and comments, as [`Olap::post_counts`] tells them.
    pub counts: PostCounts,
    /// What clients reported, as [`Olap::event_counts`] tells it; [`EventCounts::none`] where nobody did.
    pub events: EventCounts,
    /// Whether it is deleted, as [`Olap::post_states`] tells it.
    pub state: PostState,
}

/// A part of a walk over all posts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountersSlice {
    /// Those of its posts that are asked for, in no order; there may be none.
    pub posts: Vec<PostCounters>,
    /// Where the next slice begins.
    pub last: PostId,
}

impl CountersSlice {
    /// Before every post: where a walk begins.
    pub const START: PostId = PostId::new(Uuid::nil());
}

/// The counters of the next posts behind `after` in ClickHouse's order: of `posts` of them at most, those created later than
/// `since`. None behind the last post. `deadline` is that of each of two queries, one after the other.
///
/// Costs the rows that these posts have in four tables, older posts' included; the counters of a slice are held in memory.
///
/// # Errors
/// A query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
pub async fn next_counters(
    olap: &Olap,
    after: PostId,
    since: DateTime<Utc>,
    posts: u32,
    deadline: Duration,
) -> Result<Option<CountersSlice>, OlapError> {
    let last = olap
        .read(LAST, deadline)
        .param("after", after)
        .param("slice", posts);
    let last: LastRow = within(deadline, async { Ok(last.fetch_one().await?) }).await?;
    if last.entries == 0 {
        return Ok(None);
    }
    let last = PostId::new(last.last);
    let query = olap
        .read(COUNTERS, deadline)
        .with_setting("optimize_aggregation_in_order", "1")
        .param("after_post", after)
        .param("last_post", last)
        .param("created_after", time_param(since));
    let rows: Vec<CountersRow> = within(deadline, async { Ok(query.fetch_all().await?) }).await?;
    Ok(Some(CountersSlice {
        posts: rows.into_iter().map(PostCounters::from).collect(),
        last,
    }))
}

#[derive(Row, Deserialize)]
struct LastRow {
    entries: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    last: Uuid,
}

#[derive(Row, Deserialize)]
struct CountersRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    deleted: u8,
    post_version: u64,
    likes: u64,
    comments: u64,
    version: u128,
    shares: u64,
    impressions: u64,
    views: u64,
    events_version: u64,
}

impl From<CountersRow> for PostCounters {
    fn from(row: CountersRow) -> Self {
        let post = PostId::new(row.post_id);
        Self {
            counts: PostCounts {
                post,
                likes: row.likes,
                comments: row.comments,
                version: row.version,
            },
            events: EventCounts {
                post,
                shares: row.shares,
                impressions: row.impressions,
                views: row.views,
                version: row.events_version,
            },
            state: PostState {
                post,
                deleted: row.deleted != 0,
                lsn: row.post_version,
            },
        }
    }
}
