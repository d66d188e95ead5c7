//! What a post costs that is written to every follower's list.

use anyhow::Context as _;
use chrono::Utc;
use nova_domain::UserId;
use nova_loadtest::resources::Watched;
use nova_loadtest::summary::number;
use redis::Pipeline;
use redis::aio::MultiplexedConnection;
use serde::Serialize;
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use super::ENTRIES;
use super::fill::{Filled, done, fill};
use crate::alternatives::contenders::REDIS;
use crate::alternatives::keys;
use crate::link;
use crate::measure::Run;
use crate::process::{CLIENT, Meter};
use crate::report::Percentiles;

/// Lists that are filled for it: at most so many of the author's followers.
const MOST_LISTS: i64 = 1_000;
/// Posts, enough for a second of processor time.
const POSTS: u32 = 100;
/// Followers of a pipeline, two commands each.
const BATCH: usize = 250;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FanWrite {
    /// Followers of the author with most of them.
    pub author_followers: i64,
    /// Of whom so many had a list, full of what they would have.
    pub lists: usize,
    /// Entries of those lists in the mean.
    pub entries_per_list: f64,
    /// Bytes of an entry, as Redis tells.
    pub bytes_per_entry: f64,
    /// Posts that were written to all of them.
    pub posts: u32,
    /// Milliseconds until a post was in all lists.
    pub post: Option<Percentiles>,
    /// Microseconds for each follower of a post.
    pub us_per_follower: f64,
    /// Processor time of Redis for each follower of a post, in microseconds.
    pub redis_cpu_us_per_follower: Option<f64>,
    /// Processor time of who writes it, likewise.
    pub writer_cpu_us_per_follower: Option<f64>,
    /// Seconds until a post of that author is in the lists of all followers, reckoned from the time for each.
    pub seconds_for_all: f64,
}

/// Writes posts of the most followed author to the lists of its followers, one after the other, in pipelines.
pub(crate) async fn measure_writes(
    pool: &PgPool,
    redis: &mut MultiplexedConnection,
    processes: Vec<Watched>,
) -> anyhow::Result<FanWrite> {
    let (author, author_followers): (Uuid, i64) =
        sqlx::query_as(include_str!("../sql/most_followed.sql"))
            .fetch_one(pool)
            .await
            .context("looking for the most followed author")?;
    let followers: Vec<Uuid> = sqlx::query_scalar(include_str!("../sql/followers.sql"))
        .bind(author)
        .bind(MOST_LISTS)
        .fetch_all(pool)
        .await
        .context("reading followers")?;
    let followers: Vec<UserId> = followers.into_iter().map(UserId::new).collect();
    let filled = fill(pool, redis, &followers, false).await?;

    let meter = Meter::start(processes).await?;
    let mut run = Run::new()?;
    let begun = Instant::now();
    for _ in 0..POSTS {
        let from = Instant::now();
        post(redis, &followers).await?;
        run.counted(from.elapsed());
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let spent = meter.stop().await?;
    let writes = f64::from(POSTS) * count(followers.len()).max(1.0);
    let cpu = |name: &str| {
        let seconds = spent.of(name).and_then(|share| share.cpu_seconds);
        seconds.map(|seconds| seconds * 1e6 / writes)
    };
    let us_per_follower = elapsed * 1e6 / writes;
    Ok(FanWrite {
        author_followers,
        lists: followers.len(),
        entries_per_list: count(filled.entries) / count(filled.lists).max(1.0),
        bytes_per_entry: bytes_per_entry(&filled),
        posts: POSTS,
        post: Percentiles::of(&run.latency),
        us_per_follower,
        redis_cpu_us_per_follower: cpu(REDIS),
        writer_cpu_us_per_follower: cpu(CLIENT),
        seconds_for_all: us_per_follower * number(author_followers.unsigned_abs()) / 1e6,
    })
}

/// One post to all lists, each kept at its length.
async fn post(redis: &mut MultiplexedConnection, followers: &[UserId]) -> anyhow::Result<()> {
    let (id, now) = (Uuid::now_v7(), Utc::now().timestamp_millis());
    for some in followers.chunks(BATCH) {
        let mut write = Pipeline::with_capacity(2 * some.len());
        for follower in some {
            let list = keys::list(*follower);
            write.cmd("ZADD").arg(&list).arg(now).arg(id.as_bytes());
            write
                .cmd("ZREMRANGEBYRANK")
                .arg(&list)
                .arg(0)
                .arg(-1 - i64::try_from(ENTRIES)?);
        }
        done(&link::ask(redis, &write).await?)?;
    }
    Ok(())
}

fn bytes_per_entry(filled: &Filled) -> f64 {
    number(filled.list_bytes) / count(filled.entries).max(1.0)
}

fn count(of: usize) -> f64 {
    number(u64::try_from(of).unwrap_or(u64::MAX))
}
