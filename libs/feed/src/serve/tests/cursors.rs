//! Pages by cursor.

use std::sync::atomic::Ordering;

use nova_cache::keys;
use nova_domain::UserId;

use super::world::{World, ask, engine, forget, ids, no_snapshot, order, page, redis, settle};
use crate::answer::{Restart, ServedFrom};
use crate::cursor::{Cursor, CursorError};
use crate::error::FeedError;
use crate::service::{FeedAt, FeedRequest};

#[tokio::test]
async fn cursors_walk_the_whole_ranking_whatever_limit_and_ranking_come_between() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    let mut answer = page(&engine, 0, 7, 0).await.unwrap();
    let walked = answer.snapshot;
    let mut seen = ids(&answer);
    let mut limit = 7;
    while let Some(cursor) = answer.next_cursor {
        limit = limit % 13 + 3;
        // Another ranking is made and shown meanwhile.
        world.post(
            world.authors()[0],
            nova_domain::Visibility::Public,
            super::world::noon(),
        );
        cache
            .mark_stale(
                &[world.viewer],
                super::world::noon().timestamp_millis() + 5_000,
            )
            .await
            .unwrap();
        let newer = page(&engine, 0, 5, 10).await.unwrap();
        assert_ne!(newer.snapshot, walked);

        answer = ask(&engine, FeedAt::Cursor(cursor), limit, 20)
            .await
            .unwrap();
        assert_eq!(answer.snapshot, walked);
        assert_eq!(answer.served_from, ServedFrom::Cache);
        assert_eq!(answer.restarted, None);
        seen.extend(ids(&answer));
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn an_expired_cursor_starts_afresh_and_says_so() {
    let (cache, stack) = redis().await;
    let world = World::new(6, 10);
    let first = engine(&world, Some(&cache));
    let answer = page(&first, 0, 20, 0).await.unwrap();
    settle(&first).await;
    let id = answer.snapshot.id.uuid();
    forget(&stack, &[keys::snapshot(world.viewer, id)]).await;
    // Another process, which remembers nothing.
    let other = engine(&world, Some(&cache));
    let cursor = FeedAt::Cursor(answer.next_cursor.unwrap());
    let restarted = ask(&other, cursor, 10, 1).await.unwrap();
    assert_eq!(restarted.restarted, Some(Restart::CursorExpired));
    assert_eq!(ids(&restarted), order(&world)[..10]);
    assert_ne!(restarted.snapshot, answer.snapshot);
    let json = serde_json::to_value(&restarted).unwrap();
    assert_eq!(json["restarted"], "cursor_expired");
    let plain = page(&other, 0, 10, 1).await.unwrap();
    assert!(
        serde_json::to_value(&plain)
            .unwrap()
            .get("restarted")
            .is_none()
    );
}

#[tokio::test]
async fn a_memory_that_redis_does_not_share_is_not_trusted() {
    let (cache, stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let answer = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    // All that Redis knew of the viewer is gone, what was undone lately with it.
    forget(
        &stack,
        &[
            keys::snapshot(world.viewer, answer.snapshot.id.uuid()),
            keys::viewer(world.viewer),
            keys::feed_page(world.viewer, 0, 20),
        ],
    )
    .await;
    let cursor = FeedAt::Cursor(answer.next_cursor.unwrap());
    let restarted = ask(&engine, cursor, 20, 1).await.unwrap();
    assert_eq!(restarted.restarted, Some(Restart::CursorExpired));
    assert_eq!(world.rankings.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_is_no_cursor_of_this_viewer_is_refused() {
    let world = World::new(2, 2);
    let engine = engine(&world, None);
    let cursor = |viewer| Cursor {
        viewer,
        snapshot: no_snapshot(),
        position: 1,
    };
    let foreign = cursor(UserId::generate()).encode(&engine.key);
    let own = cursor(world.viewer).encode(&engine.key);
    let mut tampered = own.clone();
    let last = if own.ends_with('A') { "E" } else { "A" };
    tampered.replace_range(own.len() - 1.., last);
    for (text, expected) in [
        ("nonsense!".to_owned(), CursorError::Malformed),
        (foreign, CursorError::OtherViewer),
        (tampered, CursorError::Tampered),
    ] {
        let error = ask(&engine, FeedAt::Cursor(text), 5, 0).await.unwrap_err();
        assert!(
            matches!(error, FeedError::Cursor(e) if e == expected),
            "{error:?}"
        );
    }
    // A good one whose ranking was never made is an expired one.
    let page = ask(&engine, FeedAt::Cursor(own), 2, 0).await.unwrap();
    assert_eq!(page.restarted, Some(Restart::CursorExpired));
}

#[tokio::test]
async fn limits_are_checked() {
    let world = World::new(2, 2);
    let engine = engine(&world, None);
    for limit in [0, 101, u32::MAX] {
        let request = FeedRequest {
            viewer: world.viewer,
            at: FeedAt::Offset(0),
            limit,
            explain: false,
        };
        let error = engine.feed(&request, None).await.unwrap_err();
        assert!(matches!(error, FeedError::Limit { given } if given == limit));
    }
    assert_eq!(world.rankings.load(Ordering::SeqCst), 0);
}
