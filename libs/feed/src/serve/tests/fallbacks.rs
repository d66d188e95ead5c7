//! What there is when nothing can be ranked, in order.

use std::sync::atomic::Ordering;
use std::time::Duration;

use nova_cache::{Cache, HotPost, OverlayKey, keys};
use nova_domain::{PostId, Source, Visibility};

use super::world::{
    World, ask, engine, engine_with, forget, ids, noon, order, page, redis, settle,
};
use crate::answer::ServedFrom;
use crate::config::FeedConfig;
use crate::error::{FeedError, Unavailable};
use crate::service::FeedAt;
use crate::trace::Degraded;

const NO_SOURCES: [Degraded; 3] = [
    Degraded::Source(Source::Follow),
    Degraded::Source(Source::Trending),
    Degraded::Source(Source::Affinity),
];

async fn keep_hot(cache: &Cache, world: &World, posts: &[PostId]) {
    let hot: Vec<HotPost> = posts
        .iter()
        .map(|id| {
            let post = world.state().posts[id].clone();
            HotPost {
                post_id: *id,
                author_id: post.author,
                created_at: post.created_at,
                engagement: 0.0,
                freshness: 1.0,
                score: 0.3,
            }
        })
        .collect();
    assert!(cache.store_hot_posts(&hot, 1).await.unwrap());
}

#[tokio::test]
async fn first_the_last_ranking_whatever_its_age() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    let last = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    keep_hot(&cache, &world, &all[40..]).await;
    world.clickhouse_down.store(true, Ordering::SeqCst);
    world.delete(&cache, all[0]).await;
    let stale = page(&engine, 0, 20, 400).await.unwrap();
    assert_eq!(stale.served_from, ServedFrom::Stale);
    assert_eq!(stale.snapshot, last.snapshot);
    assert_eq!(stale.degraded, NO_SOURCES);
    assert_eq!(
        ids(&stale),
        all[1..21],
        "and nothing that was deleted since"
    );
    let cursor = FeedAt::Cursor(stale.next_cursor.unwrap());
    let next = ask(&engine, cursor, 20, 401).await.unwrap();
    assert_eq!(ids(&next), all[21..41]);
}

#[tokio::test]
async fn then_what_is_hot_as_far_as_the_viewer_may_see_it() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    world.clickhouse_down.store(true, Ordering::SeqCst);
    keep_hot(&cache, &world, &all[10..40]).await;
    let blocked = world.state().posts[&all[10]].author;
    world.act(&cache, OverlayKey::Block(blocked), true).await;
    let expected: Vec<PostId> = all[10..40]
        .iter()
        .copied()
        .filter(|id| world.state().posts[id].author != blocked)
        .collect();

    let first = page(&engine, 0, 10, 0).await.unwrap();
    assert_eq!(first.served_from, ServedFrom::Fallback);
    let mut degraded = NO_SOURCES.to_vec();
    degraded.push(Degraded::Counts);
    assert_eq!(first.degraded, degraded, "Redis has no counts either");
    let sources =
        |p: &crate::FeedPage| p.items.iter().all(|i| i.sources.contains(Source::Trending));
    assert!(sources(&first));
    // Its pages fit each other, by cursor and by offset.
    let cursor = FeedAt::Cursor(first.next_cursor.clone().unwrap());
    let by_cursor = ask(&engine, cursor, 10, 1).await.unwrap();
    assert_eq!(by_cursor.served_from, ServedFrom::Fallback);
    let by_offset = page(&engine, 10, 10, 1).await.unwrap();
    assert_eq!(ids(&by_offset), ids(&by_cursor));
    let third = page(&engine, 20, 10, 1).await.unwrap();
    let mut walked = [ids(&first), ids(&by_offset), ids(&third)].concat();
    assert_eq!(third.next_cursor, None);
    walked.sort_unstable();
    let mut sorted = expected.clone();
    sorted.sort_unstable();
    assert_eq!(walked, sorted);

    // It never counts as fresh.
    world.clickhouse_down.store(false, Ordering::SeqCst);
    let ranked = page(&engine, 0, 10, 2).await.unwrap();
    assert_eq!(ranked.served_from, ServedFrom::Ranked);
    assert!(ranked.degraded.is_empty());
}

#[tokio::test]
async fn then_the_newest_posts_of_followed_authors() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    world.clickhouse_down.store(true, Ordering::SeqCst);
    let answer = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(answer.served_from, ServedFrom::Fallback);
    let mut degraded = NO_SOURCES.to_vec();
    degraded.push(Degraded::Counts);
    assert_eq!(answer.degraded, degraded);
    let state = world.state();
    assert_eq!(answer.items.len(), 20);
    assert!(
        answer
            .items
            .iter()
            .all(|i| state.follows.contains(&i.author_id))
    );
    assert!(
        answer
            .items
            .is_sorted_by(|a, b| a.created_at >= b.created_at)
    );
}

#[tokio::test]
async fn also_when_the_ranking_is_late() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    // Time enough on a loaded machine; the parts are in proportion.
    let config = FeedConfig {
        budget: Duration::from_secs(8),
        source_deadline: Duration::from_secs(1),
        hydrate_reserve: Duration::from_secs(7),
        ..FeedConfig::default()
    };
    let engine = engine_with(&world, Some(&cache), config);
    world.hold.store(true, Ordering::SeqCst);
    world.postgres_far.store(true, Ordering::SeqCst);
    let answer = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(answer.served_from, ServedFrom::Fallback);
    assert_eq!(answer.items.len(), 20);
    world.permits.add_permits(1);
    settle(&engine).await;
}

#[tokio::test]
async fn they_join_what_is_hot_where_that_fills_no_page() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    world.clickhouse_down.store(true, Ordering::SeqCst);
    keep_hot(&cache, &world, &all[..3]).await;
    let answer = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(answer.served_from, ServedFrom::Fallback);
    assert_eq!(answer.items.len(), 20);
    for item in &answer.items {
        let hot = all[..3].contains(&item.post_id);
        assert_eq!(item.sources.contains(Source::Trending), hot);
        assert_eq!(item.sources.contains(Source::Follow), !hot);
    }
    let mut shown = ids(&answer);
    assert!(all[..3].iter().all(|post| shown.contains(post)));
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), 20, "each post once");
}

#[tokio::test]
async fn and_then_nothing() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    world.clickhouse_down.store(true, Ordering::SeqCst);
    world.postgres_down.store(true, Ordering::SeqCst);
    let error = page(&engine, 0, 20, 0).await.unwrap_err();
    assert!(
        matches!(error, FeedError::Unavailable(Unavailable::Sources)),
        "{error:?}"
    );
    // Without ClickHouse and without following anybody there is nothing either.
    world.postgres_down.store(false, Ordering::SeqCst);
    world.state().follows.clear();
    assert!(page(&engine, 0, 20, 0).await.is_err());
}

#[tokio::test]
async fn without_postgresql_what_is_hot_needs_a_known_block_list() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    keep_hot(&cache, &world, &all[..20]).await;
    // Bodies are in Redis: somebody else was shown these posts.
    world.announce(&cache).await;
    let bodies: Vec<_> = all[..20].iter().map(|id| (*id, world.body(*id))).collect();
    let bodies: Vec<_> = bodies.iter().map(|(id, body)| (*id, body, 0)).collect();
    cache.store_bodies(&bodies).await.unwrap();
    world.clickhouse_down.store(true, Ordering::SeqCst);
    world.postgres_down.store(true, Ordering::SeqCst);
    assert!(page(&engine, 0, 20, 0).await.is_err(), "no list, no post");

    let blocked = world.state().posts[&all[0]].author;
    cache
        .store_blocks(world.viewer, &[blocked].into())
        .await
        .unwrap();
    let answer = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(answer.served_from, ServedFrom::Fallback);
    assert!(answer.degraded.contains(&Degraded::Posts));
    assert!(!answer.items.is_empty());
    assert!(answer.items.iter().all(|item| item.author_id != blocked));
}

#[tokio::test]
async fn without_postgresql_bodies_come_from_redis_and_from_clickhouse() {
    let (cache, stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    // What was read before anything was known of the posts is read again once it is.
    page(&engine, 0, 19, 0).await.unwrap();
    settle(&engine).await;
    world.postgres_down.store(true, Ordering::SeqCst);
    // Cut anew from the ranking; every body is in Redis.
    let cut = page(&engine, 0, 18, 1).await.unwrap();
    assert_eq!(ids(&cut), all[..18]);
    assert!(cut.degraded.is_empty(), "{:?}", cut.degraded);
    // None of these is.
    let next = page(&engine, 40, 20, 2).await.unwrap();
    assert_eq!(ids(&next), all[40..60]);
    assert_eq!(next.degraded, [Degraded::Posts]);
    assert_eq!(next.served_from, ServedFrom::Cache);
    // And none anywhere: what Redis has is shown.
    world.clickhouse_down.store(true, Ordering::SeqCst);
    let lost: Vec<String> = all[..10].iter().map(|id| keys::body(*id)).collect();
    forget(&stack, &lost).await;
    let rest = page(&engine, 0, 5, 3).await.unwrap();
    assert_eq!(rest.served_from, ServedFrom::Cache);
    assert_eq!(ids(&rest), all[10..15]);
    assert!(rest.degraded.contains(&Degraded::Posts));
}

#[tokio::test]
async fn a_ranking_without_postgresql_shows_what_it_found() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    world.postgres_down.store(true, Ordering::SeqCst);
    // Whether a post is for followers is not known, and no body is in Redis.
    let ranked = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(ranked.served_from, ServedFrom::Ranked);
    assert_eq!(ids(&ranked), order(&world)[..20]);
    assert_eq!(ranked.degraded, [Degraded::Posts]);

    // With bodies in Redis.
    world.postgres_down.store(false, Ordering::SeqCst);
    world.announce(&cache).await;
    page(&engine, 0, 20, 100).await.unwrap();
    settle(&engine).await;
    world.postgres_down.store(true, Ordering::SeqCst);
    let read = world.bodies.load(Ordering::SeqCst);
    let ranked = page(&engine, 0, 20, 200).await.unwrap();
    assert_eq!(ranked.served_from, ServedFrom::Ranked);
    assert_eq!(ids(&ranked), order(&world)[..20]);
    assert_eq!(world.bodies.load(Ordering::SeqCst), read);
}

#[tokio::test]
async fn a_block_hides_also_without_postgresql() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    world.post(world.authors()[0], Visibility::Followers, noon());
    let first = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    let author = first.items[0].author_id;
    world.postgres_down.store(true, Ordering::SeqCst);
    world.act(&cache, OverlayKey::Block(author), true).await;
    let hit = page(&engine, 0, 20, 1).await.unwrap();
    assert_eq!(hit.snapshot, first.snapshot);
    assert!(hit.items.iter().all(|item| item.author_id != author));
}
