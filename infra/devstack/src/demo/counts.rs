//! The same counts at both ends of the pipeline.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::client::Client;
use super::servers::{align_right, heading, table};

/// From the end of loading; an import of a hundred thousand rows takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(180);
const POLL_EVERY: Duration = Duration::from_millis(100);

const NAMES: [&str; 5] = ["posts", "likes", "comments", "follows", "client events"];

type Counts = [u64; 5];

/// Posts, likes and comments once more, as sums of the absolute numbers kept for each post.
type Recounted = [u64; 3];

/// Waits until ClickHouse holds what PostgreSQL holds, and the events that Kafka took.
pub(super) async fn wait_until_equal(client: &Client, events: u64) -> anyhow::Result<()> {
    heading("The same at both ends");
    let begun = Instant::now();
    let written = written(client, events).await?;
    let is_equal = |arrived: &Counts, recounted: &Recounted| {
        *arrived == written && recounted[..] == written[..recounted.len()]
    };
    let (arrived, recounted) = loop {
        let found = (arrived(client).await?, recounted(client).await?);
        if is_equal(&found.0, &found.1) || begun.elapsed() > DEADLINE {
            break found;
        }
        tokio::time::sleep(POLL_EVERY).await;
    };
    let took = begun.elapsed().as_secs_f64();
    let mut rows = table(&[
        "",
        "written (PostgreSQL, Kafka)",
        "arrived (ClickHouse)",
        "recounted for each post",
    ]);
    align_right(&mut rows, &[1, 2, 3]);
    let recounts = recounted
        .iter()
        .map(u64::to_string)
        .chain(std::iter::repeat(String::new()));
    for (((name, written), arrived), recounted) in
        NAMES.iter().zip(written).zip(arrived).zip(recounts)
    {
        rows.add_row([
            (*name).to_owned(),
            written.to_string(),
            arrived.to_string(),
            recounted,
        ]);
    }
    println!("{rows}");
    let quarantined: u64 = ask(client, "SELECT count() FROM dead_letters").await?;
    if !is_equal(&arrived, &recounted) {
        bail!("the counts were not equal after {} s", DEADLINE.as_secs());
    }
    if quarantined > 0 {
        bail!("{quarantined} messages were quarantined in dead_letters");
    }
    println!("Equal {took:.1} s after the last write; no message quarantined.");
    Ok(())
}

async fn written(client: &Client, events: u64) -> anyhow::Result<Counts> {
    let (posts, likes, comments, follows): (i64, i64, i64, i64) =
        sqlx::query_as(include_str!("sql/counts.sql"))
            .fetch_one(&client.postgres)
            .await
            .context("counting in PostgreSQL")?;
    let [posts, likes, comments, follows] =
        [posts, likes, comments, follows].map(|n| u64::try_from(n).unwrap_or_default());
    Ok([posts, likes, comments, follows, events])
}

/// FINAL leaves out deleted rows and counts a repeated delivery once. Each reads a table's key columns.
async fn arrived(client: &Client) -> anyhow::Result<Counts> {
    Ok([
        ask(client, "SELECT count() FROM posts_cdc FINAL").await?,
        ask(client, "SELECT count() FROM likes_cdc FINAL").await?,
        ask(client, "SELECT count() FROM comments_cdc FINAL").await?,
        ask(client, "SELECT count() FROM follows_cdc FINAL").await?,
        ask(client, "SELECT count() FROM events_raw FINAL").await?,
    ])
}

/// Reads the counts of all posts; they follow the facts within a second or two.
async fn recounted(client: &Client) -> anyhow::Result<Recounted> {
    let question = "SELECT count(), sum(likes), sum(comments) FROM post_engagement FINAL";
    let query = client.olap.client().query(question);
    let (posts, likes, comments) = query
        .fetch_one()
        .await
        .with_context(|| format!("ClickHouse: {question}"))?;
    Ok([posts, likes, comments])
}

async fn ask(client: &Client, question: &'static str) -> anyhow::Result<u64> {
    client
        .olap
        .client()
        .query(question)
        .fetch_one()
        .await
        .with_context(|| format!("ClickHouse: {question}"))
}
