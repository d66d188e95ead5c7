//! What the API tells Redis about its own writes, on a real server.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use std::time::{Duration, Instant};

use nova_cache::{Cache, CacheConfig};
use nova_domain::{PostId, UserId};
use nova_feed::OwnWrites;
use nova_social::{Unblocked, Written};
use nova_testbed::{Server, Stack, wait_for};

const SOON: Duration = Duration::from_secs(20);

async fn redis() -> (Stack, Cache) {
    let stack = Stack::builder().servers(&[Server::Redis]).start().await;
    let stack = stack.unwrap();
    let url = stack.endpoints().redis.parse().unwrap();
    let cache = Cache::new(&CacheConfig::new(url)).unwrap();
    // Connecting takes longer than a request waits.
    wait_for(SOON, async || cache.ping().await.map_err(|e| e.to_string()))
        .await
        .unwrap();
    (stack, cache)
}

fn at(lsn: u64) -> Written {
    Written { lsn }
}

#[tokio::test]
async fn every_write_is_there_when_the_request_is_answered() {
    let (stack, cache) = redis().await;
    let (writes, _retries) = OwnWrites::new(Some(cache.clone()));
    let (ada, bob, post) = (UserId::generate(), UserId::generate(), PostId::generate());

    writes.liked(ada, post, true, at(10)).await;
    assert!(cache.overlay(ada).await.unwrap().likes[&post]);
    writes.liked(ada, post, false, at(20)).await;
    writes.liked(ada, post, true, at(15)).await;
    assert!(
        !cache.overlay(ada).await.unwrap().likes[&post],
        "the later one stays, in whatever order they come"
    );

    writes.followed(ada, bob, true, at(30)).await;
    assert!(cache.overlay(ada).await.unwrap().follows[&bob]);
    writes.followed(ada, bob, false, at(40)).await;
    assert!(!cache.overlay(ada).await.unwrap().follows[&bob]);

    cache
        .store_blocks(bob, &std::collections::HashSet::new())
        .await
        .unwrap();
    writes.followed(bob, ada, true, at(41)).await;
    writes.blocked(ada, bob, at(50)).await;
    for (one, other) in [(ada, bob), (bob, ada)] {
        let overlay = cache.overlay(one).await.unwrap();
        assert!(overlay.blocks[&other], "both are hidden");
        assert!(!overlay.follows[&other], "neither follows");
    }
    assert!(cache.blocks(bob).await.unwrap().unwrap().contains(&ada));
    assert_eq!(
        cache.blocks(ada).await.unwrap(),
        None,
        "a list that nobody read from PostgreSQL is not made up"
    );
    for (lsn, still_blocked) in [(60, true), (70, false)] {
        let written = at(lsn);
        let left = Unblocked {
            written,
            still_blocked,
        };
        writes.unblocked(ada, bob, left).await;
        for (one, other) in [(ada, bob), (bob, ada)] {
            let overlay = cache.overlay(one).await.unwrap();
            assert_eq!(overlay.blocks[&other], still_blocked);
        }
    }

    writes.deleted(post, at(80)).await;
    let rows = cache.counters(&[post]).await.unwrap();
    assert!(rows[0].as_ref().unwrap().deleted);
    stack.stop().await;
}

#[tokio::test]
async fn feeds_that_a_write_changes_are_out_of_date() {
    let (stack, cache) = redis().await;
    let (writes, _retries) = OwnWrites::new(Some(cache.clone()));
    let (ada, bob, idle) = (UserId::generate(), UserId::generate(), UserId::generate());
    let first = nova_cache::PageKey {
        offset: 0,
        limit: 20,
    };
    let stale = async |viewer| {
        let look = cache.look(viewer, first, None).await.unwrap();
        look.viewer.and_then(|row| row.stale_ms)
    };
    let rank = async |viewer| {
        let id = uuid::Uuid::now_v7();
        cache
            .store_snapshot(viewer, id, 1, b"x", true)
            .await
            .unwrap();
    };
    for viewer in [ada, bob] {
        rank(viewer).await;
        assert_eq!(stale(viewer).await, None);
    }
    writes.liked(ada, PostId::generate(), true, at(1)).await;
    assert_eq!(stale(ada).await, None, "likes never invalidate a feed");
    let before = chrono::Utc::now().timestamp_millis();
    writes.followed(ada, bob, true, at(2)).await;
    assert!(stale(ada).await.unwrap() >= before);
    assert_eq!(stale(bob).await, None, "the other one's feed is the same");
    writes.blocked(ada, bob, at(3)).await;
    assert!(stale(bob).await.unwrap() >= before);
    writes.followed(idle, bob, true, at(4)).await;
    assert_eq!(stale(idle).await, None, "nobody is made active by a mark");
    stack.stop().await;
}

#[tokio::test]
async fn a_write_that_redis_did_not_take_is_told_later() {
    let (stack, cache) = redis().await;
    let (writes, mut retries) = OwnWrites::new(Some(cache.clone()));
    let (ada, bob, post) = (UserId::generate(), UserId::generate(), PostId::generate());
    let running = tokio::spawn(async move { retries.run().await });

    stack.pause(Server::Redis).await.unwrap();
    let started = Instant::now();
    writes.blocked(ada, bob, at(10)).await;
    writes.deleted(post, at(20)).await;
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "a request does not wait: {:?}",
        started.elapsed()
    );
    stack.resume(Server::Redis).await.unwrap();
    let told = async || {
        let overlays = [
            cache.overlay(ada).await.map_err(|e| e.to_string())?,
            cache.overlay(bob).await.map_err(|e| e.to_string())?,
        ];
        let rows = cache.counters(&[post]).await.map_err(|e| e.to_string())?;
        let deleted = rows[0].as_ref().is_some_and(|row| row.deleted);
        if overlays.iter().all(|o| o.blocks.values().any(|on| *on)) && deleted {
            return Ok(());
        }
        Err(format!("{overlays:?}, deleted: {deleted}"))
    };
    wait_for(SOON, told).await.unwrap();

    // The same with a server that is gone and comes back empty.
    stack.kill(Server::Redis).await.unwrap();
    writes.blocked(ada, bob, at(30)).await;
    writes.deleted(post, at(40)).await;
    stack.restart(Server::Redis).await.unwrap();
    wait_for(SOON, told).await.unwrap();
    running.abort();
    stack.stop().await;
}

#[tokio::test]
async fn without_a_cache_there_is_nobody_to_tell() {
    let (writes, mut retries) = OwnWrites::new(None);
    writes
        .blocked(UserId::generate(), UserId::generate(), at(1))
        .await;
    retries.finish().await;
}
