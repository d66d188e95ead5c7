//! Servers that are away for a while, and records that nothing will come of.

use std::collections::HashMap;
use std::time::Duration;

use nova_domain::{PostId, UserId};
use nova_projector::ProjectorConfig;
use nova_stream::topics;
use nova_testbed::Server;

use crate::bench::Bench;
use crate::counts::storm;
use crate::records::{Made, Post, like};

async fn away(server: Server, seed: u64) {
    let bench = Bench::start().await;
    let (made, expected) = storm(seed, 50, 4_000);
    let running = bench.project();
    let (before, rest) = made.split_at(2_000);
    bench.produce(before).await;
    bench.stack.kill(server).await.unwrap();
    if server == Server::Kafka {
        let restarted = async { bench.stack.restart(server).await.unwrap() };
        tokio::join!(bench.produce(rest), restarted);
    } else {
        bench.produce(rest).await;
        bench.stack.restart(server).await.unwrap();
    }
    if server == Server::Redis {
        // It comes back empty: what was written before is restored by whoever reads it, here by its next change.
        let posts: Vec<PostId> = expected.keys().copied().collect();
        bench.cache_is_back().await;
        for post in posts {
            bench
                .produce(&[like("c", post, UserId::new(uuid::Uuid::nil()))])
                .await;
        }
        let one_more = expected
            .iter()
            .map(|(post, (likes, comments))| (*post, (likes + 1, *comments)));
        bench.counts_become(&one_more.collect()).await;
    } else {
        bench.counts_become(&expected).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_in_the_middle() {
    away(Server::Redis, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_killed_in_the_middle() {
    away(Server::Kafka, 13).await;
}

/// What hides does not wait for ClickHouse, nothing is committed past what does, and a stop in this state ends in time.
#[tokio::test(flavor = "multi_thread")]
async fn clickhouse_killed_in_the_middle() {
    let bench = Bench::start().await;
    let (made, expected) = storm(11, 50, 4_000);
    let running = bench.project();
    let (before, rest) = made.split_at(2_000);
    bench.produce(before).await;
    bench.stack.kill(Server::ClickHouse).await.unwrap();
    bench.produce(rest).await;
    let deleted = Post {
        deleted: true,
        ..Post::by(UserId::generate())
    };
    bench.produce(&[deleted.record("u")]).await;
    bench
        .until("the deletion", || async {
            let row = bench.row(deleted.id).await;
            row.deleted.then_some(()).ok_or_else(String::new)
        })
        .await;
    running.stop().await;
    assert!(bench.uncommitted(topics::CDC_LIKES, topics::DATA_PARTITIONS) > 0);
    bench.stack.restart(Server::ClickHouse).await.unwrap();
    let running = bench.project();
    bench.counts_become(&expected).await;
    running.stop().await;
}

/// ClickHouse refuses a record that can be read here: it is let go, and all others flow.
pub(crate) async fn records_put_aside(bench: &Bench) {
    let post = PostId::generate();
    let mut bad = like("c", post, UserId::generate());
    // What is projected of a like is there; ClickHouse wants its author too.
    let mut value: serde_json::Value = serde_json::from_str(&bad.value).unwrap();
    value["author_id"] = serde_json::Value::Null;
    bad.value = value.to_string();
    let undecodable = Made {
        value: "{\"broken\": ".to_owned(),
        ..bad.clone()
    };
    let mut good = like("c", post, UserId::generate());
    good.key.clone_from(&bad.key);
    bench.produce(&[undecodable, bad, good]).await;
    bench.counts_become(&HashMap::from([(post, (1, 0))])).await;
    bench.flushed().await;
}

/// Two members share the partitions, one leaves and comes back, and reading pauses while much is under way.
#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_and_go_with_little_under_way() {
    let bench = Bench::start().await;
    let (made, expected) = storm(15, 60, 6_000);
    let config = ProjectorConfig {
        batch: 50,
        max_pending: 200,
        ..bench.config()
    };
    let first = bench.project_with(config.clone());
    let mut second = bench.project_with(config.clone());
    for some in made.chunks(2_000) {
        bench.produce(some).await;
        second.stop().await;
        second = bench.project_with(config.clone());
    }
    bench.counts_become(&expected).await;
    second.kill().await;
    first.stop().await;
}

impl Bench {
    /// Waits until the client has found Redis again.
    async fn cache_is_back(&self) {
        self.until("Redis", || async {
            self.cache.ping().await.map_err(|error| error.to_string())
        })
        .await;
        // The projector's own connection is this one.
        tokio::time::timeout(Duration::from_secs(5), self.cache.ping())
            .await
            .unwrap()
            .unwrap();
    }
}
