//! Each read of a feed is one round trip: by the cache's own count, by the wire's and by the server's.

use nova_cache::{Cache, PageKey, PageLook};
use nova_domain::PostCounts;
use uuid::Uuid;

use crate::support::{Engine, Proxy, config, posts, user};

const FIRST: PageKey = PageKey {
    offset: 0,
    limit: 100,
};

/// Calls of a command since the server started.
async fn calls(engine: &Engine, command: &str) -> anyhow::Result<u64> {
    let stats: String = engine.raw(&["INFO", "commandstats"]).await?;
    let line = format!("cmdstat_{command}:calls=");
    Ok(stats
        .lines()
        .find_map(|found| found.strip_prefix(&line)?.split(',').next()?.parse().ok())
        .unwrap_or(0))
}

#[tokio::test]
async fn every_read_of_a_feed_is_one_question_and_one_answer() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let proxy = Proxy::start(engine.url()).await?;
    let cache = Cache::new(&config(&proxy.url)?)?;
    let (u, snapshot) = (user(1), Uuid::from_u128(1));
    let all = posts(100);
    let counts: Vec<PostCounts> = all
        .iter()
        .map(|post| PostCounts {
            post: *post,
            likes: 1,
            comments: 2,
            version: 3,
        })
        .collect();
    cache.apply_counts(&counts).await?;

    let before = (cache.round_trips(), proxy.turns());
    cache
        .store_snapshot(u, snapshot, 1, b"ranking", true)
        .await?;
    cache
        .store_page(u, FIRST, snapshot, b"{}", Some((100, 100)))
        .await?;
    cache.look(u, FIRST, None).await?;
    let look = cache.look(u, FIRST, Some(&all)).await?;
    cache.hydration(u, &all).await?;
    cache.counters(&all).await?;
    cache.overlay(u).await?;
    cache.snapshot(u, snapshot).await?;
    cache.blocks(u).await?;
    let after = (cache.round_trips(), proxy.turns());

    assert_eq!(look.page, PageLook::Id(snapshot));
    assert_eq!(look.counters.len(), 100);
    assert!(
        look.counters
            .iter()
            .all(|row| row.is_some_and(|row| row.likes == Some(1)))
    );
    assert_eq!(after.0 - before.0, 9, "by the cache's count");
    assert_eq!(after.1.0 - before.1.0, 9, "questions on the wire");
    assert_eq!(after.1.1 - before.1.1, 9, "answers on the wire");
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_look_at_known_posts_reads_36_bytes_of_the_page() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let all = posts(20);
    cache.ping().await?;
    let commands = cache.traffic().commands;
    cache.look(user(1), FIRST, Some(&all)).await?;
    assert_eq!(cache.traffic().commands - commands, 23);
    assert_eq!(calls(&engine, "getrange").await?, 1);
    assert_eq!(calls(&engine, "get").await?, 0);
    assert_eq!(calls(&engine, "hmget").await?, 21);
    assert_eq!(calls(&engine, "hgetall").await?, 1);
    assert_eq!(calls(&engine, "multi").await?, 0);
    cache.look(user(1), FIRST, None).await?;
    assert_eq!(calls(&engine, "get").await?, 1);
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn concurrent_calls_share_the_one_connection() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let calls = (0..200).map(|n| {
        let cache = engine.cache.clone();
        tokio::spawn(async move {
            let viewer = user(n);
            let snapshot = Uuid::from_u128(n);
            cache
                .store_page(viewer, FIRST, snapshot, &n.to_be_bytes(), None)
                .await?;
            let found = cache.look(viewer, FIRST, None).await?.page;
            let body = n.to_be_bytes().to_vec().into();
            assert_eq!(found, PageLook::Full { snapshot, body });
            anyhow::Ok(())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await??;
    }
    let clients: String = engine.raw(&["CLIENT", "LIST"]).await?;
    // The cache, and the one that asks.
    assert_eq!(clients.lines().count(), 2, "{clients}");
    engine.stop().await;
    Ok(())
}
