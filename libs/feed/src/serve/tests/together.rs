//! Many at once: one ranking for all of them, in one process and in several; and what is made behind an answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use nova_cache::keys;
use nova_testbed::wait_for;

use super::world::{
    TestEngine, World, engine, engine_with, forget, ids, noon, order, page, redis, settle,
};
use crate::answer::ServedFrom;
use crate::config::FeedConfig;
use crate::protect::Place;

const SOON: Duration = Duration::from_secs(20);

/// Time enough for many requests on two loaded processors.
fn patient() -> FeedConfig {
    FeedConfig {
        budget: SOON,
        rank_wait: Duration::from_secs(10),
        ..FeedConfig::default()
    }
}

async fn rankings(world: &World, expected: usize) {
    wait_for(SOON, async || match world.rankings.load(Ordering::SeqCst) {
        n if n == expected => Ok(()),
        n => Err(format!("{n} rankings")),
    })
    .await
    .unwrap();
}

/// Ranks the feed at noon; then others have all places for rankings.
async fn ranked_and_full(engine: &TestEngine) -> Vec<Place> {
    page(engine, 0, 20, 0).await.unwrap();
    settle(engine).await;
    std::iter::from_fn(|| engine.gate.try_enter().ok()).collect()
}

#[tokio::test]
async fn a_thousand_requests_of_one_viewer_are_one_ranking() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine_with(&world, Some(&cache), patient());
    let pages = join_all((0..1_000).map(|_| page(&engine, 0, 20, 0))).await;
    for answer in pages {
        assert_eq!(ids(&answer.unwrap()), order(&world)[..20]);
    }
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn processes_share_a_ranking_through_redis() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engines: Vec<_> = (0..4)
        .map(|_| engine_with(&world, Some(&cache), patient()))
        .collect();
    world.hold.store(true, Ordering::SeqCst);
    let all = async { join_all(engines.iter().map(|engine| page(engine, 0, 20, 0))).await };
    let release = async {
        rankings(&world, 1).await;
        world.permits.add_permits(1);
    };
    let (pages, ()) = tokio::join!(all, release);
    let pages: Vec<_> = pages.into_iter().map(Result::unwrap).collect();
    assert!(pages.iter().all(|p| p.snapshot == pages[0].snapshot));
    let ranked = |p: &&crate::FeedPage| p.served_from == ServedFrom::Ranked;
    assert_eq!(pages.iter().filter(ranked).count(), 1);
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_process_that_dies_while_it_ranks_holds_nobody_up_for_long() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    // It took the lock and is gone.
    assert!(cache.try_rank_lock(world.viewer).await.unwrap().is_some());
    let config = FeedConfig {
        rank_wait: Duration::from_millis(100),
        budget: SOON,
        ..FeedConfig::default()
    };
    let engine = engine_with(&world, Some(&cache), config);
    let answer = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(answer.served_from, ServedFrom::Ranked);
    assert!(answer.timings.total >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_ranking_that_waits_as_long_as_it_may_is_still_waited_for() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    // Another process has the lock for a while, then a server does not answer.
    assert!(cache.try_rank_lock(world.viewer).await.unwrap().is_some());
    world.slow.store(true, Ordering::SeqCst);
    let config = FeedConfig {
        rank_wait: Duration::from_secs(1),
        budget: Duration::from_secs(6),
        hydrate_reserve: Duration::from_secs(1),
        ..FeedConfig::default()
    };
    let engine = engine_with(&world, Some(&cache), config);
    let answer = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(answer.served_from, ServedFrom::Ranked);
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_the_ranking_to_the_others() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine_with(&world, Some(&cache), patient());
    world.hold.store(true, Ordering::SeqCst);
    let impatient = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { page(&engine, 0, 20, 0).await }
    });
    rankings(&world, 1).await;
    let others = async { join_all((0..10).map(|_| page(&engine, 0, 20, 0))).await };
    let hang_up = async {
        impatient.abort();
        assert!(impatient.await.unwrap_err().is_cancelled());
        world.permits.add_permits(1);
    };
    let (pages, ()) = tokio::join!(others, hang_up);
    assert!(pages.iter().all(Result::is_ok));
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_old_ranking_is_served_while_a_new_one_is_made() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let old = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    let fresh = page(&engine, 0, 20, 59).await.unwrap();
    assert_eq!(fresh.served_from, ServedFrom::Cache);

    world.hold.store(true, Ordering::SeqCst);
    let pages = join_all((0..20).map(|_| page(&engine, 0, 20, 61))).await;
    for answer in pages {
        let answer = answer.unwrap();
        assert_eq!(answer.served_from, ServedFrom::Stale);
        assert_eq!(answer.snapshot, old.snapshot);
    }
    rankings(&world, 2).await;
    world.permits.add_permits(1);
    settle(&engine).await;
    let new = page(&engine, 0, 20, 62).await.unwrap();
    assert_eq!(new.served_from, ServedFrom::Cache);
    assert_ne!(new.snapshot, old.snapshot);
    assert_eq!(world.rankings.load(Ordering::SeqCst), 2);

    // Too old to be shown at all: ranked for the request.
    world.hold.store(false, Ordering::SeqCst);
    let late = page(&engine, 0, 20, 62 + 91).await.unwrap();
    assert_eq!(late.served_from, ServedFrom::Ranked);
}

#[tokio::test]
async fn a_walk_by_offset_goes_on_while_a_new_ranking_is_made_behind_it() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    page(&engine, 0, 20, 0).await.unwrap();
    world.post(world.authors()[1], nova_domain::Visibility::Public, noon());
    let stale = page(&engine, 0, 20, 70).await.unwrap();
    assert_eq!(stale.served_from, ServedFrom::Stale);
    settle(&engine).await;
    let second = page(&engine, 20, 20, 71).await.unwrap();
    assert_eq!(ids(&second), all[20..40]);
    assert_eq!(second.snapshot, stale.snapshot);
    // The first page is of the new ranking, and so is the one after it.
    let first = page(&engine, 0, 20, 72).await.unwrap();
    assert_ne!(first.snapshot, stale.snapshot);
    let second = page(&engine, 20, 20, 73).await.unwrap();
    assert_eq!(second.snapshot, first.snapshot);
    assert_eq!([ids(&first), ids(&second)].concat(), order(&world)[..40]);
}

#[tokio::test]
async fn an_invalidation_is_seen_by_the_next_first_page() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    let post = world.post(world.authors()[0], nova_domain::Visibility::Public, noon());
    let at = noon().timestamp_millis() + 1_000;
    cache.mark_stale(&[world.viewer], at).await.unwrap();
    let next = page(&engine, 0, 20, 2).await.unwrap();
    assert_eq!(next.served_from, ServedFrom::Ranked);
    assert!(ids(&next).contains(&post));
    let hit = page(&engine, 0, 20, 3).await.unwrap();
    assert_eq!(hit.served_from, ServedFrom::Cache);
}

#[tokio::test]
async fn a_ranking_that_began_before_an_invalidation_is_not_enough() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine_with(&world, Some(&cache), patient());
    page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    world.hold.store(true, Ordering::SeqCst);
    let early = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { page(&engine, 0, 20, 100).await }
    });
    rankings(&world, 2).await;
    // The ranking is under way when this happens.
    let at = noon().timestamp_millis() + 101_000;
    cache.mark_stale(&[world.viewer], at).await.unwrap();
    let late = async { page(&engine, 0, 20, 102).await.unwrap() };
    let release = async {
        world.permits.add_permits(1);
        rankings(&world, 3).await;
        world.permits.add_permits(1);
    };
    let (late, ()) = tokio::join!(late, release);
    let early = early.await.unwrap().unwrap();
    assert_ne!(early.snapshot, late.snapshot);
}

#[tokio::test]
async fn a_ranking_ahead_waits_for_a_place_and_is_made_once() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine_with(&world, Some(&cache), patient());
    let places = ranked_and_full(&engine).await;
    // Hits near the end of the ranking, while others rank.
    for second in [52, 53, 54] {
        let hit = page(&engine, 0, 20, second).await.unwrap();
        assert_eq!(hit.served_from, ServedFrom::Cache);
    }
    assert!(engine.ahead.under_way(&world.viewer));
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
    drop(places);
    rankings(&world, 2).await;
    settle(&engine).await;
    assert!(!engine.ahead.under_way(&world.viewer));
    let hit = page(&engine, 0, 20, 61).await.unwrap();
    assert_eq!(hit.served_from, ServedFrom::Cache);
    assert_eq!(world.rankings.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_ranking_ahead_that_waits_does_not_hold_up_the_end() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine_with(&world, Some(&cache), patient());
    let _places = ranked_and_full(&engine).await;
    page(&engine, 0, 20, 51).await.unwrap();
    assert!(engine.ahead.under_way(&world.viewer));
    assert!(engine.drain(Duration::from_secs(5)).await);
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_feed_is_warmed_without_disturbing_a_walk() {
    let (cache, stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let id = engine.warm(world.viewer, 20, None).await.unwrap();
    settle(&engine).await;
    let other = super::world::engine(&world, Some(&cache));
    let request = crate::FeedRequest {
        viewer: world.viewer,
        at: crate::FeedAt::Offset(0),
        limit: 20,
        explain: false,
    };
    let hit = other.feed(&request, None).await.unwrap();
    assert_eq!((hit.served_from, hit.snapshot.id), (ServedFrom::Cache, id));
    // It had to be warmed again although it is fresh.
    let again = engine.warm(world.viewer, 20, None).await.unwrap();
    assert_ne!(again, id);
    let second = crate::FeedRequest {
        at: crate::FeedAt::Offset(20),
        ..request.clone()
    };
    let second = other.feed(&second, None).await.unwrap();
    assert_eq!(second.snapshot.id, id);
    assert_eq!(world.rankings.load(Ordering::SeqCst), 2);
    drop(stack);
}

#[tokio::test]
async fn a_ranking_that_lacks_something_is_soon_made_again() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    world.lame.store(true, Ordering::SeqCst);
    let lame = page(&engine, 0, 20, 0).await.unwrap();
    assert_eq!(lame.degraded.len(), 1);
    let hit = page(&engine, 0, 20, 4).await.unwrap();
    assert_eq!(
        (hit.served_from, &hit.degraded),
        (ServedFrom::Cache, &lame.degraded)
    );
    world.lame.store(false, Ordering::SeqCst);
    let stale = page(&engine, 0, 20, 6).await.unwrap();
    assert_eq!(
        (stale.served_from, &stale.degraded),
        (ServedFrom::Stale, &lame.degraded)
    );
    settle(&engine).await;
    let whole = page(&engine, 0, 20, 7).await.unwrap();
    assert_eq!(
        (whole.served_from, whole.degraded.len()),
        (ServedFrom::Cache, 0)
    );
}

#[tokio::test]
async fn a_lost_page_is_cut_again_and_a_lost_ranking_made_again() {
    let (cache, stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let first = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    forget(&stack, &[keys::feed_page(world.viewer, 0, 20)]).await;
    let cut = page(&engine, 0, 20, 1).await.unwrap();
    assert_eq!(
        (cut.served_from, cut.snapshot),
        (ServedFrom::Cache, first.snapshot)
    );
    assert_eq!(ids(&cut), ids(&first));

    let other = super::world::engine(&world, Some(&cache));
    let id = first.snapshot.id.uuid();
    let lost = [
        keys::feed_page(world.viewer, 0, 20),
        keys::snapshot(world.viewer, id),
    ];
    forget(&stack, &lost).await;
    let ranked = page(&other, 0, 20, 2).await.unwrap();
    assert_eq!(ranked.served_from, ServedFrom::Ranked);
}
