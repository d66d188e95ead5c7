//! Redis away: killed, paused, and back.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nova_cache::OverlayKey;
use nova_testbed::{Server, wait_for};

use super::world::{
    World, ask, engine, engine_with, hasty_cache_of, ids, noon, order, page, redis, settle,
};
use crate::answer::{Restart, ServedFrom};
use crate::config::FeedConfig;
use crate::protect::BreakerConfig;
use crate::service::FeedAt;
use crate::trace::Degraded;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn without_a_cache_every_request_ranks() {
    let world = World::new(6, 10);
    let engine = engine(&world, None);
    let all = order(&world);
    let first = page(&engine, 0, 20, 0).await.unwrap();
    let second = page(&engine, 20, 20, 0).await.unwrap();
    for answer in [&first, &second] {
        assert_eq!(answer.served_from, ServedFrom::Ranked);
        assert!(answer.degraded.is_empty());
    }
    assert_eq!([ids(&first), ids(&second)].concat(), all[..40]);
    assert_eq!(world.rankings.load(Ordering::SeqCst), 2);
    // A cursor works as long as this process remembers.
    let cursor = FeedAt::Cursor(second.next_cursor.unwrap());
    let third = ask(&engine, cursor, 20, 1).await.unwrap();
    assert_eq!((ids(&third), third.restarted), (all[40..].to_vec(), None));
}

#[tokio::test]
async fn a_redis_that_is_killed_costs_a_ranking_and_the_word_cache() {
    let (cache, stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    let first = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    stack.kill(Server::Redis).await.unwrap();

    let ranked = page(&engine, 0, 20, 1).await.unwrap();
    assert_eq!(ranked.served_from, ServedFrom::Ranked);
    assert_eq!(ranked.degraded, [Degraded::Cache]);
    assert_eq!(ids(&ranked), all[..20]);
    // What this process remembers of the walk goes on; PostgreSQL says what may be shown.
    let gone = all[25];
    world.state().posts.get_mut(&gone).unwrap().deleted = true;
    let second = page(&engine, 20, 20, 2).await.unwrap();
    let mut expected = all[20..41].to_vec();
    expected.retain(|id| *id != gone);
    assert_eq!(ids(&second), expected);
    assert_eq!(second.degraded, [Degraded::Cache]);
    let cursor = FeedAt::Cursor(first.next_cursor.clone().unwrap());
    let by_cursor = ask(&engine, cursor.clone(), 20, 3).await.unwrap();
    assert_eq!(ids(&by_cursor), expected);
    // A process that remembers nothing starts afresh.
    let other = super::world::engine(&world, Some(&cache));
    let restarted = ask(&other, cursor, 20, 4).await.unwrap();
    assert_eq!(restarted.restarted, Some(Restart::CursorExpired));

    stack.restart(Server::Redis).await.unwrap();
    wait_for(SOON, async || {
        let answer = page(&engine, 0, 20, 5).await.unwrap();
        match answer.served_from {
            ServedFrom::Cache if answer.degraded.is_empty() => Ok(()),
            from => Err(format!("{from:?}, {:?}", answer.degraded)),
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_redis_that_stands_still_costs_its_deadline_until_the_breaker_opens() {
    let (_, stack) = redis().await;
    let cache = hasty_cache_of(&stack);
    let world = World::new(6, 10);
    let config = FeedConfig {
        breaker: BreakerConfig {
            failures: 2,
            open: Duration::from_secs(60),
            open_max: Duration::from_secs(60),
        },
        ..FeedConfig::default()
    };
    let engine = engine_with(&world, Some(&cache), config);
    page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    stack.pause(Server::Redis).await.unwrap();
    wait_for(SOON, async || {
        let started = Instant::now();
        let answer = page(&engine, 0, 20, 1).await.unwrap();
        assert_eq!(answer.served_from, ServedFrom::Ranked);
        assert_eq!(answer.degraded, [Degraded::Cache]);
        assert!(
            started.elapsed() < engine.config.budget,
            "{:?}",
            started.elapsed()
        );
        if engine.guards.redis.is_open() {
            Ok(())
        } else {
            Err("the breaker is closed".to_owned())
        }
    })
    .await
    .unwrap();
    // Nobody waits for Redis any more.
    let before = cache.round_trips();
    let answer = page(&engine, 0, 20, 2).await.unwrap();
    settle(&engine).await;
    assert_eq!(cache.round_trips(), before);
    assert_eq!(answer.timings.cache.as_millis(), 0);
    stack.resume(Server::Redis).await.unwrap();
}

#[tokio::test]
async fn a_silent_postgresql_is_left_alone_and_asked_again() {
    let world = World::new(6, 10);
    let config = FeedConfig {
        breaker: BreakerConfig {
            failures: 2,
            open: Duration::from_millis(50),
            open_max: Duration::from_millis(50),
        },
        ..FeedConfig::default()
    };
    let engine = engine_with(&world, None, config);
    world.postgres_down.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        let answer = page(&engine, 0, 20, 0).await.unwrap();
        assert_eq!(answer.degraded, [Degraded::Posts]);
        assert_eq!(answer.items.len(), 20, "bodies come from ClickHouse");
    }
    world.postgres_down.store(false, Ordering::SeqCst);
    wait_for(SOON, async || {
        let answer = page(&engine, 0, 20, 0).await.unwrap();
        if answer.degraded.is_empty() {
            Ok(())
        } else {
            Err(format!("{:?}", answer.degraded))
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_postgresql_that_never_answers_costs_its_deadline_and_not_the_feed() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    // Time enough on a loaded machine; the parts are in proportion.
    let config = FeedConfig {
        budget: Duration::from_secs(8),
        posts_deadline: Duration::from_secs(3),
        hydrate_reserve: Duration::from_secs(3),
        ..FeedConfig::default()
    };
    let engine = engine_with(&world, Some(&cache), config);
    world.postgres_silent.store(true, Ordering::SeqCst);
    let started = Instant::now();
    let answer = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(answer.served_from, ServedFrom::Ranked);
    assert_eq!(answer.degraded, [Degraded::Posts]);
    assert_eq!(ids(&answer), order(&world)[..20]);
    let took = started.elapsed();
    assert!(
        took >= Duration::from_secs(3) && took < Duration::from_secs(8),
        "{took:?}"
    );
}

#[tokio::test]
async fn changes_that_arrive_late_are_told_of() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let now = chrono::Utc::now().timestamp_millis();
    cache.note_pipeline_seen(now - 60_000).await.unwrap();
    wait_for(SOON, async || {
        let answer = page(&engine, 0, 20, 0).await.unwrap();
        match &answer.degraded[..] {
            [Degraded::Pipeline] => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    // Late changes are no reason to rank again.
    settle(&engine).await;
    let before = world.rankings.load(Ordering::SeqCst);
    let hit = page(&engine, 0, 20, 30).await.unwrap();
    assert_eq!(hit.degraded, [Degraded::Pipeline]);
    assert_eq!(hit.served_from, ServedFrom::Cache);
    assert_eq!(world.rankings.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn what_was_undone_while_redis_was_away_does_not_come_back_from_memory() {
    let (cache, stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let first = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    stack.kill(Server::Redis).await.unwrap();
    // Redis does not hear of it.
    let author = first.items[0].author_id;
    world.state().blocks.insert(author);
    world.state().follows.remove(&author);
    for offset in [0, 20] {
        let answer = page(&engine, offset, 20, 1).await.unwrap();
        assert!(!answer.items.is_empty());
        assert!(answer.items.iter().all(|item| item.author_id != author));
    }
    stack.restart(Server::Redis).await.unwrap();
    // Redis came back with what it had, and the API tells it what it missed.
    wait_for(SOON, async || cache.ping().await.map_err(|e| e.to_string()))
        .await
        .unwrap();
    world.act(&cache, OverlayKey::Block(author), true).await;
    cache
        .mark_stale(&[world.viewer], noon().timestamp_millis() + 1_000)
        .await
        .unwrap();
    let answer = page(&engine, 0, 20, 2).await.unwrap();
    assert!(answer.items.iter().all(|item| item.author_id != author));
}
