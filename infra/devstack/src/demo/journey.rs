//! One like on its way: PostgreSQL, Kafka, ClickHouse, somebody else's feed.

mod kafka;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nova_domain::{PostId, UserId};

use super::client::{Client, Feed, Item};
use super::millis;
use super::people::{self, Person, Viewer};
use super::servers::{align_right, heading, table};

/// The service level: later than this is a failure.
const LIMIT: Duration = Duration::from_secs(5);
const CLICKHOUSE_EVERY: Duration = Duration::from_millis(3);
/// The API allows a user a hundred requests a second.
const FEED_EVERY: Duration = Duration::from_millis(15);
/// The like may move the post; it has to be found wherever it goes.
const PAGE: u32 = 100;

/// A like to be followed.
#[derive(Debug, Clone, Copy)]
struct Like {
    post: PostId,
    liker: UserId,
    viewer: UserId,
    /// Likes of the post before, as the viewer's feed shows them.
    before: u64,
}

pub(super) async fn show(client: &Client, viewer: &Viewer, feed: &Feed) -> anyhow::Result<()> {
    heading("A like on its way");
    let (item, liker) = choose(client, viewer, feed).await?;
    println!(
        "{} likes post {} ({} likes); {} watches. Milliseconds from the moment the request leaves:",
        liker.handle, item.post_id, item.counts.likes, viewer.person.handle
    );
    let like = Like {
        post: item.post_id,
        liker: liker.id,
        viewer: viewer.person.id,
        before: item.counts.likes,
    };
    // Watching begins before the like, so that no watcher has to connect first.
    let kafka = kafka::Watch::start(&client.endpoints.kafka, like.post, like.liker, LIMIT).await?;
    let begun = Instant::now();
    let (postgres, kafka, clickhouse, feed) = tokio::join!(
        answered(client, &like),
        kafka.seen(),
        in_clickhouse(client, &like, begun),
        in_feed(client, &like, begun),
    );
    let mut rows = table(&["", "visible as", "after"]);
    align_right(&mut rows, &[2]);
    let mut late = Vec::new();
    let steps = [
        ("PostgreSQL", "committed, the API answered 204", postgres),
        ("Kafka", "message on cdc.likes", kafka),
        ("ClickHouse", "row of likes_cdc", clickhouse),
        ("feed", "one like more in the viewer's feed", feed),
    ];
    for (place, what, seen) in steps {
        let after = match seen {
            Ok(at) => {
                let after = at.duration_since(begun);
                if after > LIMIT {
                    late.push(format!("{place}: after {}", millis(after)));
                }
                millis(after)
            }
            Err(error) => {
                late.push(format!("{place}: {error:#}"));
                "never".to_owned()
            }
        };
        rows.add_row([place.to_owned(), what.to_owned(), after]);
    }
    println!("{rows}");
    if !late.is_empty() {
        bail!(
            "the like did not arrive within {} s: {}",
            LIMIT.as_secs(),
            late.join("; ")
        );
    }
    Ok(())
}

/// The first post of the feed that somebody else can like.
async fn choose<'f>(
    client: &Client,
    viewer: &Viewer,
    feed: &'f Feed,
) -> anyhow::Result<(&'f Item, Person)> {
    for item in &feed.items {
        if let Some(liker) = people::liker(client, viewer.person.id, item.post_id).await? {
            return Ok((item, liker));
        }
    }
    bail!("everybody likes everything already")
}

async fn answered(client: &Client, like: &Like) -> anyhow::Result<Instant> {
    client.like(like.liker, like.post).await?;
    Ok(Instant::now())
}

async fn in_clickhouse(client: &Client, like: &Like, begun: Instant) -> anyhow::Result<Instant> {
    until(begun, CLICKHOUSE_EVERY, async || {
        let rows: u64 = client
            .olap
            .client()
            .query("SELECT count() FROM likes_cdc FINAL WHERE post_id = {post:UUID} AND user_id = {user:UUID}")
            .param("post", like.post.to_string())
            .param("user", like.liker.to_string())
            .fetch_one()
            .await?;
        Ok(rows > 0)
    })
    .await
}

async fn in_feed(client: &Client, like: &Like, begun: Instant) -> anyhow::Result<Instant> {
    until(begun, FEED_EVERY, async || {
        let feed = client.feed(like.viewer, PAGE).await?;
        let item = feed.items.iter().find(|item| item.post_id == like.post);
        let item = item.context("the post left the feed")?;
        Ok(item.counts.likes > like.before)
    })
    .await
}

/// Asks until the answer is yes, and tells when it was.
async fn until(
    begun: Instant,
    every: Duration,
    is_there: impl AsyncFn() -> anyhow::Result<bool>,
) -> anyhow::Result<Instant> {
    while begun.elapsed() < LIMIT {
        if is_there().await? {
            return Ok(Instant::now());
        }
        tokio::time::sleep(every).await;
    }
    bail!("not seen")
}
