//! Fills lists and bodies as writing with each post would have.

use std::collections::HashSet;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use nova_domain::{PostId, UserId};
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value};
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use tokio::time::Instant;
use uuid::Uuid;

use super::ENTRIES;
use crate::alternatives::keys;
use crate::link;

/// Commands of a pipeline, posts of a query.
const BATCH: usize = 1_000;

/// What is there now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Filled {
    /// Lists.
    pub lists: usize,
    /// Entries of all of them.
    pub entries: usize,
    /// Posts with content and counters.
    pub bodies: usize,
    /// Bytes of all lists, as Redis tells.
    pub list_bytes: u64,
    /// Bytes of all bodies.
    pub body_bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
}

#[derive(Debug, FromRow)]
struct Entry {
    post_id: Uuid,
    created_at: DateTime<Utc>,
}

#[derive(Debug, FromRow, Serialize)]
struct Content {
    post_id: Uuid,
    author_id: Uuid,
    caption: String,
    media_url: String,
    media_type: String,
    duration_ms: i32,
    created_at: DateTime<Utc>,
    #[serde(skip)]
    likes: i64,
    #[serde(skip)]
    comments: i64,
}

/// Writes a list for each user; with `bodies` also what the posts on it show.
pub(crate) async fn fill(
    pool: &PgPool,
    redis: &mut MultiplexedConnection,
    users: &[UserId],
    bodies: bool,
) -> anyhow::Result<Filled> {
    let begun = Instant::now();
    let mut posts: HashSet<Uuid> = HashSet::new();
    let mut entries = 0;
    for user in users {
        let found = entries_of(pool, *user).await?;
        entries += found.len();
        write_list(redis, *user, &found).await?;
        if bodies {
            posts.extend(found.iter().map(|entry| entry.post_id));
        }
    }
    let posts: Vec<Uuid> = posts.into_iter().collect();
    for some in posts.chunks(BATCH) {
        write_bodies(pool, redis, some).await?;
    }
    let list_keys = users.iter().map(|user| keys::list(*user));
    let body_keys = posts.iter().map(|post| keys::body(PostId::new(*post)));
    Ok(Filled {
        lists: users.len(),
        entries,
        bodies: posts.len(),
        list_bytes: bytes(redis, list_keys.collect()).await?,
        body_bytes: bytes(redis, body_keys.collect()).await?,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

async fn entries_of(pool: &PgPool, user: UserId) -> anyhow::Result<Vec<Entry>> {
    sqlx::query_as(include_str!("../sql/fan_entries.sql"))
        .bind(user.uuid())
        .bind(i64::try_from(ENTRIES)?)
        .fetch_all(pool)
        .await
        .context("reading what a list is made of")
}

async fn write_list(
    redis: &mut MultiplexedConnection,
    user: UserId,
    entries: &[Entry],
) -> anyhow::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut add = Pipeline::with_capacity(1);
    add.cmd("ZADD").arg(keys::list(user));
    for entry in entries {
        add.arg(entry.created_at.timestamp_millis())
            .arg(entry.post_id.as_bytes());
    }
    done(&link::ask(redis, &add).await?)
}

async fn write_bodies(
    pool: &PgPool,
    redis: &mut MultiplexedConnection,
    posts: &[Uuid],
) -> anyhow::Result<()> {
    let contents: Vec<Content> = sqlx::query_as(include_str!("../sql/fan_bodies.sql"))
        .bind(posts)
        .fetch_all(pool)
        .await
        .context("reading posts")?;
    let mut set = Pipeline::with_capacity(contents.len());
    for content in &contents {
        let json = serde_json::to_string(content)?;
        // Counters follow it in an answer: see server/fan.rs.
        let open = json
            .strip_suffix('}')
            .context("an object ends in a brace")?;
        set.cmd("HSET")
            .arg(keys::body(PostId::new(content.post_id)))
            .arg("body")
            .arg(open)
            .arg("likes")
            .arg(content.likes)
            .arg("comments")
            .arg(content.comments)
            .arg("shares")
            .arg(0);
    }
    done(&link::ask(redis, &set).await?)
}

/// What Redis says that keys cost it, all of each.
async fn bytes(redis: &mut MultiplexedConnection, keys: Vec<String>) -> anyhow::Result<u64> {
    let mut sum = 0;
    for keys in keys.chunks(BATCH) {
        let mut ask = Pipeline::with_capacity(keys.len());
        for key in keys {
            ask.cmd("MEMORY")
                .arg("USAGE")
                .arg(key)
                .arg("SAMPLES")
                .arg(0);
        }
        for value in link::ask(redis, &ask).await? {
            sum += match value {
                Value::Int(bytes) => u64::try_from(bytes)?,
                // A list of nobody's posts is no key.
                Value::Nil => 0,
                other => anyhow::bail!("MEMORY USAGE answered {other:?}"),
            };
        }
    }
    Ok(sum)
}

/// Errors are answers like any other in a pipeline.
pub(crate) fn done(answers: &[Value]) -> anyhow::Result<()> {
    let refused = answers
        .iter()
        .find(|answer| matches!(answer, Value::ServerError(_)));
    ensure!(refused.is_none(), "Redis refused: {refused:?}");
    Ok(())
}
