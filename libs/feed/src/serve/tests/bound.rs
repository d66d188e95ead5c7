//! As many rankings as may be, and no more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nova_testbed::wait_for;

use super::world::{TestEngine, World, engine_with, ids, order, page, redis, settle};
use crate::answer::ServedFrom;
use crate::config::FeedConfig;
use crate::error::{FeedError, Unavailable};

const SOON: Duration = Duration::from_secs(20);

fn one_at_a_time() -> FeedConfig {
    FeedConfig {
        max_rankings: 1,
        ranking_queue: 1,
        budget: SOON,
        ..FeedConfig::default()
    }
}

/// Takes the one place and the one seat in the queue.
async fn fill(engine: &TestEngine) -> (crate::protect::Place, tokio::task::JoinHandle<()>) {
    let place = engine.gate.try_enter().unwrap();
    let gate = engine.gate.clone();
    let queued = tokio::spawn(async move {
        let _ = gate.enter(SOON).await;
    });
    wait_for(SOON, async || match engine.gate.queued() {
        1 => Ok(()),
        n => Err(format!("{n} in the queue")),
    })
    .await
    .unwrap();
    (place, queued)
}

#[tokio::test]
async fn past_the_queue_the_last_ranking_is_served_as_stale() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine_with(&world, Some(&cache), one_at_a_time());
    let first = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    let (place, queued) = fill(&engine).await;
    let stale = page(&engine, 0, 20, 300).await.unwrap();
    assert_eq!(stale.served_from, ServedFrom::Stale);
    assert_eq!(stale.snapshot, first.snapshot);
    assert!(stale.degraded.is_empty(), "nothing is broken");
    // Within the stale window nobody is queued for a ranking behind the answer.
    let aging = page(&engine, 0, 20, 70).await.unwrap();
    assert_eq!(aging.served_from, ServedFrom::Stale);
    drop(place);
    queued.await.unwrap();
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
    let ranked = page(&engine, 0, 20, 301).await.unwrap();
    assert_eq!(ranked.served_from, ServedFrom::Ranked);
}

#[tokio::test]
async fn with_nothing_to_show_a_request_past_the_queue_is_turned_away() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    world.state().follows.clear();
    let engine = engine_with(&world, Some(&cache), one_at_a_time());
    let (_place, queued) = fill(&engine).await;
    let error = page(&engine, 0, 20, 0).await.unwrap_err();
    assert!(
        matches!(error, FeedError::Unavailable(Unavailable::Busy)),
        "{error:?}"
    );
    assert!(matches!(
        engine.warm(world.viewer, 20, None).await,
        Err(Unavailable::Busy)
    ));
    queued.abort();
}

#[tokio::test]
async fn a_ranking_that_takes_too_long_is_given_up_by_those_who_wait_and_kept() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let config = FeedConfig {
        budget: Duration::from_millis(400),
        source_deadline: Duration::from_millis(200),
        ..FeedConfig::default()
    };
    let engine = engine_with(&world, Some(&cache), config);
    page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    world.hold.store(true, Ordering::SeqCst);
    let started = std::time::Instant::now();
    let stale = page(&engine, 0, 20, 300).await.unwrap();
    assert_eq!(stale.served_from, ServedFrom::Stale);
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert!(started.elapsed() < SOON);
    assert_eq!(ids(&stale), order(&world)[..20]);
    world.permits.add_permits(1);
    settle(&engine).await;
    let hit = page(&engine, 0, 20, 301).await.unwrap();
    assert_eq!(hit.served_from, ServedFrom::Cache);
    assert_ne!(hit.snapshot, stale.snapshot);
}

#[tokio::test]
async fn the_process_can_wait_for_what_runs_behind_answers() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine_with(&world, Some(&cache), FeedConfig::default());
    page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    world.hold.store(true, Ordering::SeqCst);
    page(&engine, 0, 20, 70).await.unwrap();
    assert!(
        !engine.drain(Duration::from_millis(50)).await,
        "it is bounded"
    );
    let draining = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.drain(SOON).await }
    });
    world.permits.add_permits(1);
    assert!(draining.await.unwrap());
    assert_eq!(world.rankings.load(Ordering::SeqCst), 2);
}
