//! Redis has lost everything: counters come back from ClickHouse, exact, and never as zeros that nobody counted.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use std::time::Duration;

use nova_cache::{Cache, CacheConfig, PostRow};
use nova_domain::{PostCounts, PostId, UserId};
use nova_feed::restore_counts::restore;
use nova_olap::{Olap, OlapConfig, schema};
use nova_testbed::{Server, Stack};

const LIMIT: Duration = Duration::from_secs(10);
const AT: &str = "2026-01-22 23:53:13.947857";

async fn start() -> (Olap, Cache, Stack) {
    let servers = [Server::ClickHouse, Server::Redis];
    let stack = Stack::builder().servers(&servers).start().await.unwrap();
    let endpoints = stack.endpoints();
    let olap = Olap::new(&OlapConfig::from_url(&endpoints.clickhouse.parse().unwrap()).unwrap());
    schema::apply(&olap).await.unwrap();
    let cache = Cache::new(&CacheConfig::new(endpoints.redis.parse().unwrap())).unwrap();
    (olap, cache, stack)
}

async fn insert(olap: &Olap, into: &str, row: String) {
    let statement = format!("INSERT INTO {into} VALUES {row}");
    olap.client().query(&statement).execute().await.unwrap();
}

#[tokio::test]
async fn counters_come_back_exact() {
    let (olap, cache, stack) = start().await;
    let (liked, deleted, unknown) = (PostId::generate(), PostId::generate(), PostId::generate());
    for (lsn, removed) in [(10, 0), (20, 0), (30, 1)] {
        let user = UserId::generate();
        let row = format!("('{liked}', '{user}', '{AT}', {lsn}, {removed})");
        insert(
            &olap,
            "likes_cdc (post_id, user_id, created_at, _version, _deleted)",
            row,
        )
        .await;
    }
    let row = format!("('{liked}', toStartOfHour(now('UTC')), 9, 4, 2, 5000)");
    insert(
        &olap,
        "post_metrics_1h (post_id, hour, impressions, views, shares, _version)",
        row,
    )
    .await;
    let row = format!("('{deleted}', '{AT}', '{AT}', 40, 0)");
    insert(
        &olap,
        "posts_cdc (post_id, created_at, deleted_at, _version, _deleted)",
        row,
    )
    .await;

    let posts = [unknown, liked, deleted];
    let zeros = PostRow {
        likes: Some(0),
        comments: Some(0),
        shares: Some(0),
        impressions: Some(0),
        views: Some(0),
        version: Some(0),
        events_version: Some(0),
        ..PostRow::default()
    };
    let expected = [
        zeros,
        PostRow {
            likes: Some(2),
            shares: Some(2),
            impressions: Some(9),
            views: Some(4),
            version: Some(10 + 20 + 30 + 3),
            events_version: Some(5_000),
            ..zeros
        },
        PostRow {
            deleted: true,
            post_version: Some(40),
            ..zeros
        },
    ];
    assert_eq!(
        restore(&olap, &cache, &posts, LIMIT).await.unwrap(),
        expected
    );
    let kept = cache.counters(&posts).await.unwrap();
    assert_eq!(kept, expected.map(Some));

    // What Redis has of a later state is not taken back.
    let newer = PostCounts {
        post: liked,
        likes: 3,
        comments: 0,
        version: 1_000,
    };
    cache.apply_counts(&[newer]).await.unwrap();
    let restored = restore(&olap, &cache, &[liked], LIMIT).await.unwrap();
    assert_eq!(
        (restored[0].likes, restored[0].version),
        (Some(3), Some(1_000))
    );

    // Without Redis the answer is what was counted.
    stack.kill(Server::Redis).await.unwrap();
    assert_eq!(
        restore(&olap, &cache, &posts, LIMIT).await.unwrap(),
        expected
    );
}
