//! Why a post is where it is.
#![expect(
    clippy::float_cmp,
    reason = "an explanation repeats the very numbers of the order"
)]

use chrono::TimeDelta;
use nova_ranking::Terms;

use super::world::{World, engine, noon, page, redis, settle, snapshot};
use crate::answer::{CacheStatus, FeedPage, ServedFrom};
use crate::service::{FeedAt, FeedRequest};

async fn explained(engine: &super::world::TestEngine, at: FeedAt, seconds: i64) -> FeedPage {
    let request = FeedRequest {
        viewer: engine.posts.viewer,
        at,
        limit: 7,
        explain: true,
    };
    let now = noon() + TimeDelta::seconds(seconds);
    engine.feed(&request, Some(now)).await.unwrap()
}

#[tokio::test]
async fn every_way_to_a_page_explains_it_by_what_the_order_was_made_of() {
    let (cache, _stack) = redis().await;
    let world = World::new(6, 10);
    let first = engine(&world, Some(&cache));
    let ranked = explained(&first, FeedAt::Offset(0), 0).await;
    assert_eq!(ranked.served_from, ServedFrom::Ranked);
    settle(&first).await;
    let remembered = explained(&first, FeedAt::Offset(0), 1).await;
    // Whoever asks without explain has kept the page; it is explained all the same.
    let other = engine(&world, Some(&cache));
    page(&other, 7, 7, 2).await.unwrap();
    let second = explained(&other, FeedAt::Offset(7), 2).await;
    let cursor = FeedAt::Cursor(ranked.next_cursor.clone().unwrap());
    let by_cursor = explained(&engine(&world, Some(&cache)), cursor, 3).await;

    let kept = snapshot(&cache, world.viewer, ranked.snapshot.id).await;
    for (answer, start, status, age) in [
        (&ranked, 0, CacheStatus::Miss, 0),
        (&remembered, 0, CacheStatus::Hit, 1_000),
        (&second, 7, CacheStatus::Hit, 2_000),
        (&by_cursor, 7, CacheStatus::Hit, 3_000),
    ] {
        let how = answer.explain.as_ref().unwrap();
        assert_eq!(
            (how.cache, how.snapshot_age_ms, how.position),
            (status, age, start)
        );
        assert_eq!(how.ranked, 60);
        assert_eq!(how.sources.len(), 3);
        assert_eq!(how.sources[0].ms, 4.0);
        assert_eq!(how.filters[0].kept, 60);
        for (index, item) in (start..).zip(&answer.items) {
            let why = item.explain.unwrap();
            let ranked = &kept.items[index as usize];
            let terms = Terms::of(&ranked.ranked.features, &kept.formula);
            assert_eq!(item.post_id, ranked.post());
            assert_eq!(item.score, terms.score);
            assert_eq!(
                (why.freshness, why.engagement, why.affinity),
                (terms.freshness, terms.engagement, terms.affinity)
            );
            assert_eq!(why.inputs.age_hours, ranked.ranked.features.age_hours);
            assert_eq!(why.rank, index + 1);
            assert_eq!(why.rank_before_diversity, index + 1);
        }
    }
    // Nobody who did not ask gets it.
    let plain = page(&first, 0, 7, 4).await.unwrap();
    let json = serde_json::to_value(&plain).unwrap();
    assert!(json.get("explain").is_none());
    assert!(json["items"][0].get("explain").is_none());
}
