//! Pages that are kept: what they cost, and what has happened since.

use std::sync::atomic::Ordering;

use nova_cache::{Cache, OverlayKey, keys};
use nova_domain::Visibility;

use super::world::{TestEngine, World, cache_of, engine, forget, ids, order, page, redis, settle};
use crate::answer::{FeedPage, ServedFrom};

/// The first page, which is a hit and costs so many round trips.
async fn costs(engine: &TestEngine, cache: &Cache, round_trips: u64) -> FeedPage {
    // What is asked about the pipeline once a second, behind the answer, is not the page's.
    let now = || cache.round_trips() - engine.pipeline.polls();
    let before = now();
    let hit = page(engine, 0, 20, 10).await.unwrap();
    settle(engine).await;
    assert_eq!(hit.served_from, ServedFrom::Cache);
    assert_eq!(now() - before, round_trips);
    hit
}

#[tokio::test]
async fn a_page_that_is_remembered_costs_one_round_trip_and_another_process_two() {
    let (cache, stack) = redis().await;
    let world = World::new(6, 10);
    world.announce(&cache).await;
    let first = engine(&world, Some(&cache));
    let ranked = page(&first, 0, 20, 0).await.unwrap();
    assert_eq!(ranked.served_from, ServedFrom::Ranked);
    assert_eq!(ids(&ranked), order(&world)[..20]);
    settle(&first).await;

    let hit = costs(&first, &cache, 1).await;
    assert_eq!(ids(&hit), ids(&ranked));
    assert_eq!(hit.next_cursor, ranked.next_cursor);
    assert_eq!(hit.snapshot, ranked.snapshot);

    let other_cache = cache_of(&stack);
    let other = engine(&world, Some(&other_cache));
    assert_eq!(ids(&costs(&other, &other_cache, 2).await), ids(&ranked));
    assert_eq!(ids(&costs(&other, &other_cache, 1).await), ids(&ranked));
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_hit_has_the_counts_and_the_likes_of_the_moment() {
    let (cache, _stack) = redis().await;
    let world = World::new(2, 3);
    let engine = engine(&world, Some(&cache));
    let first = page(&engine, 0, 3, 0).await.unwrap();
    let post = first.items[0].post_id;
    assert_eq!(
        (first.items[0].counts.likes, first.items[0].viewer.liked),
        (0, false)
    );
    settle(&engine).await;

    // The overlay is there at once; the count follows with the pipeline.
    world.act(&cache, OverlayKey::Like(post), true).await;
    let hit = page(&engine, 0, 3, 1).await.unwrap();
    assert_eq!(hit.served_from, ServedFrom::Cache);
    assert_eq!(
        (hit.items[0].counts.likes, hit.items[0].viewer.liked),
        (1, true)
    );

    world.state().posts.get_mut(&post).unwrap().likes = 41;
    let counts = nova_domain::PostCounts {
        post,
        likes: 41,
        comments: 7,
        version: 9,
    };
    cache.apply_counts(&[counts]).await.unwrap();
    let hit = page(&engine, 0, 3, 2).await.unwrap();
    assert_eq!(
        (hit.items[0].counts.likes, hit.items[0].counts.comments),
        (41, 7)
    );
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn counts_that_redis_lost_are_counted_again_and_kept() {
    let (cache, stack) = redis().await;
    let world = World::new(2, 3);
    let engine = engine(&world, Some(&cache));
    let first = page(&engine, 0, 3, 0).await.unwrap();
    settle(&engine).await;
    let post = first.items[0].post_id;
    world.state().posts.get_mut(&post).unwrap().likes = 5;
    world.lsn();
    forget(&stack, &[keys::counters(post)]).await;
    let counted = world.counted.load(Ordering::SeqCst);
    let hit = page(&engine, 0, 3, 1).await.unwrap();
    assert_eq!(hit.items[0].counts.likes, 5);
    settle(&engine).await;
    let hit = page(&engine, 0, 3, 2).await.unwrap();
    assert_eq!(hit.items[0].counts.likes, 5);
    assert_eq!(world.counted.load(Ordering::SeqCst), counted + 1);

    // ClickHouse down as well: as of the page, of which the own like is known in any case, and it is said.
    forget(&stack, &[keys::counters(post)]).await;
    world.clickhouse_down.store(true, Ordering::SeqCst);
    world.act(&cache, OverlayKey::Like(post), true).await;
    let hit = page(&engine, 0, 3, 3).await.unwrap();
    assert_eq!(hit.served_from, ServedFrom::Cache);
    assert_eq!(
        hit.items[0].counts.likes,
        first.items[0].counts.likes.max(1)
    );
    assert_eq!(hit.degraded, [crate::trace::Degraded::Counts]);
}

#[tokio::test]
async fn a_post_that_was_changed_is_shown_as_it_is_now() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    world.announce(&cache).await;
    let before = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    let all = order(&world);
    let (edited, own) = (all[3], all[5]);
    world.edit(&cache, edited, Visibility::Public).await;
    world.edit(&cache, own, Visibility::Private).await;
    let hit = page(&engine, 0, 20, 1).await.unwrap();
    assert_eq!(hit.served_from, ServedFrom::Cache);
    assert_eq!(hit.items[3].post_id, edited);
    assert_eq!(*hit.items[3].caption, *world.body(edited).caption);
    assert_ne!(hit.items[3].caption, before.items[3].caption);
    let mut expected: Vec<_> = all[..21].to_vec();
    expected.retain(|post| *post != own);
    assert_eq!(ids(&hit), expected);
    settle(&engine).await;
    // From then on it is a hit like any other.
    let again = costs(&engine, &cache, 1).await;
    assert_eq!(ids(&again), expected);
    assert_eq!(again.items[3].caption, hit.items[3].caption);
}

#[tokio::test]
async fn what_is_hidden_is_replaced_by_what_follows() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let engine = engine(&world, Some(&cache));
    let all = order(&world);
    page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    world.delete(&cache, all[3]).await;
    let hit = page(&engine, 0, 20, 1).await.unwrap();
    assert_eq!(hit.served_from, ServedFrom::Cache);
    let mut expected: Vec<_> = all[..21].to_vec();
    expected.remove(3);
    assert_eq!(ids(&hit), expected);
    // The next page begins behind what moved up, by offset and by cursor.
    let next = page(&engine, 20, 20, 2).await.unwrap();
    assert_eq!(ids(&next), all[21..41]);
    let cursor = crate::service::FeedAt::Cursor(hit.next_cursor.unwrap());
    let by_cursor = super::world::ask(&engine, cursor, 20, 3).await.unwrap();
    assert_eq!(ids(&by_cursor), ids(&next));
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_unfollowed_author_and_a_blocked_one_are_gone_at_once() {
    let (cache, _stack) = redis().await;
    let world = World::new(4, 10);
    let engine = engine(&world, Some(&cache));
    let first = page(&engine, 0, 20, 0).await.unwrap();
    settle(&engine).await;
    let followed = *world.state().follows.iter().next().unwrap();
    world.act(&cache, OverlayKey::Follow(followed), false).await;
    let hit = page(&engine, 0, 20, 1).await.unwrap();
    assert_eq!(hit.snapshot, first.snapshot);
    let kept = super::world::snapshot(&cache, world.viewer, hit.snapshot.id).await;
    for item in &hit.items {
        let ranked = kept
            .items
            .iter()
            .find(|i| i.post() == item.post_id)
            .unwrap();
        assert!(world.allowed(ranked), "{item:?}");
    }
    assert_eq!(hit.items.len(), 20, "public posts of others fill the page");
    let other = hit.items[0].author_id;
    world.act(&cache, OverlayKey::Block(other), true).await;
    let hit = page(&engine, 0, 20, 2).await.unwrap();
    assert!(hit.items.iter().all(|item| item.author_id != other));
    assert_eq!(hit.snapshot, first.snapshot);
}

#[tokio::test]
async fn the_end_of_a_feed_has_no_cursor_and_no_next_page() {
    let (cache, _stack) = redis().await;
    let world = World::new(3, 3);
    let engine = engine(&world, Some(&cache));
    let first = page(&engine, 0, 5, 0).await.unwrap();
    assert!(first.next_cursor.is_some());
    let last = page(&engine, 5, 5, 1).await.unwrap();
    assert_eq!((last.items.len(), &last.next_cursor), (4, &None));
    let beyond = page(&engine, 10, 5, 2).await.unwrap();
    assert!(beyond.items.is_empty() && beyond.next_cursor.is_none());
    let far = page(&engine, u32::MAX, 5, 3).await.unwrap();
    assert!(far.items.is_empty() && far.next_cursor.is_none());
    assert_eq!(world.rankings.load(Ordering::SeqCst), 1);
}
