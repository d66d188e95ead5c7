//! A real ClickHouse with the schema and the facts.

use std::collections::HashSet;
use std::time::Duration;

use clickhouse::{RowOwned, RowWrite};
use nova_cache::{Cache, CacheConfig};
use nova_domain::{EventCounts, PostCounts, UserId};
use nova_olap::{Olap, OlapConfig, schema};
use nova_testbed::{Server, Stack, wait_for};

use super::graph::{Case, Facts};

/// A running engine with an empty schema. It stops when the stack is dropped.
pub(crate) async fn start() -> (Olap, Stack) {
    start_with(&[Server::ClickHouse]).await
}

/// The same, with other servers beside it.
pub(crate) async fn start_with(servers: &[Server]) -> (Olap, Stack) {
    let stack = Stack::builder().servers(servers).start().await.unwrap();
    let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
    let olap = Olap::new(&config);
    schema::apply(&olap).await.unwrap();
    (olap, stack)
}

/// Inserts facts in several parts, so that versions of one key lie in different parts, and waits until the counts of
/// every post are derived from them.
pub(crate) async fn load(olap: &Olap, facts: &Facts) {
    insert(olap, "posts_cdc", &facts.posts).await;
    insert(olap, "follows_cdc", &facts.follows).await;
    insert(olap, "likes_cdc", &facts.likes).await;
    insert(olap, "comments_cdc", &facts.comments).await;
    insert(olap, "events_raw", &facts.events).await;
    recounted(olap).await;
}

/// Inserts rows in several parts.
pub(crate) async fn insert<T: RowOwned + RowWrite>(olap: &Olap, table: &str, rows: &[T]) {
    for part in rows.chunks(rows.len().div_ceil(4).max(1)) {
        let mut insert = olap.client().insert::<T>(table).await.unwrap();
        for row in part {
            insert.write(row).await.unwrap();
        }
        insert.end().await.unwrap();
    }
}

/// Waits for a recount that began after now by the server's clock, of events too.
pub(crate) async fn recounted(olap: &Olap) {
    for command in ["REFRESH", "WAIT"] {
        let command = format!("SYSTEM {command} VIEW mv_post_metrics_1h");
        olap.client().query(&command).execute().await.unwrap();
    }
    let now: i64 = one(olap, "SELECT toUnixTimestamp64Milli(now64(3, 'UTC'))").await;
    let recounts = "SELECT toUnixTimestamp64Milli(max(at)) FROM recount_watermarks WHERE startsWith(name, 'post_engagement')";
    let refresh = "SYSTEM REFRESH VIEW mv_post_engagement";
    olap.client().query(refresh).execute().await.unwrap();
    wait_for(Duration::from_secs(60), async || {
        let last: i64 = one(olap, recounts).await;
        if last > now {
            Ok(())
        } else {
            Err(format!(
                "last recount {} ms before the load ended",
                now - last
            ))
        }
    })
    .await
    .unwrap();
}

/// The Redis of a stack.
pub(crate) fn cache(stack: &Stack) -> Cache {
    cache_at(&stack.endpoints().redis)
}

/// A Redis that nothing listens for.
pub(crate) fn no_cache() -> Cache {
    cache_at("redis://127.0.0.1:1")
}

fn cache_at(url: &str) -> Cache {
    let mut config = CacheConfig::new(url.parse().unwrap());
    config.response_timeout = Duration::from_secs(10);
    Cache::new(&config).unwrap()
}

/// Writes what Redis knows in a case.
pub(crate) async fn fill(cache: &Cache, case: &Case) {
    let (mut counts, mut events, mut deleted) = (vec![], vec![], vec![]);
    for (post, known) in &case.counters {
        let post = (*post).into();
        if let Some([likes, comments]) = known.counts {
            counts.push(PostCounts {
                post,
                likes,
                comments,
                version: 1,
            });
        }
        if let Some([shares, impressions]) = known.events {
            events.push(EventCounts {
                post,
                shares,
                impressions,
                views: 0,
                version: 1,
            });
        }
        // The projector tells of it before ClickHouse has it.
        deleted.push((post, known.deleted, u64::MAX));
    }
    cache.apply_counts(&counts).await.unwrap();
    cache.apply_event_counts(&events).await.unwrap();
    cache.apply_deleted(&deleted).await.unwrap();
    if let Some(blocks) = &case.kept_blocks {
        let blocks: HashSet<UserId> = blocks.iter().copied().map(UserId::new).collect();
        cache
            .store_blocks(case.viewer.into(), &blocks)
            .await
            .unwrap();
    }
}

async fn one(olap: &Olap, query: &str) -> i64 {
    olap.client().query(query).fetch_one().await.unwrap()
}
