//! A real ClickHouse with the schema and the facts.

use std::time::Duration;

use clickhouse::{RowOwned, RowWrite};
use nova_olap::{Olap, OlapConfig, schema};
use nova_testbed::{Stack, wait_for};

use super::graph::Facts;

/// A running engine with an empty schema. It stops when the stack is dropped.
pub(crate) async fn start() -> (Olap, Stack) {
    let stack = nova_testbed::clickhouse().await.unwrap();
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

async fn insert<T: RowOwned + RowWrite>(olap: &Olap, table: &str, rows: &[T]) {
    for part in rows.chunks(rows.len().div_ceil(4).max(1)) {
        let mut insert = olap.client().insert::<T>(table).await.unwrap();
        for row in part {
            insert.write(row).await.unwrap();
        }
        insert.end().await.unwrap();
    }
}

/// Waits for a recount that began after now by the server's clock.
async fn recounted(olap: &Olap) {
    let now: i64 = one(olap, "SELECT toUnixTimestamp64Milli(now64(3, 'UTC'))").await;
    let recounts = "SELECT toUnixTimestamp64Milli(max(at)) FROM recount_watermarks WHERE name = 'post_engagement'";
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

async fn one(olap: &Olap, query: &str) -> i64 {
    olap.client().query(query).fetch_one().await.unwrap()
}
