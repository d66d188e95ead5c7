//! `hot:posts:1h`.

use chrono::Utc;
use nova_cache::{HotPost, keys};
use nova_domain::{PostId, Visibility};
use nova_jobs::Outcome;
use nova_jobs::jobs::HotPostGenerator;
use nova_ranking::{Counts, FormulaConfig, age_hours, hot_score};
use redis::AsyncCommands as _;
use serde_json::Value;

use crate::world::World;

#[tokio::test]
async fn the_list_is_made_as_the_contract_says() {
    let world = World::start().await;
    let author = world.user("author").await;
    let fans = world.users::<6>("fan").await;
    let mut likes: Vec<(PostId, u64)> = Vec::new();
    for count in [2, 6, 0, 4] {
        let post = world.post(author, Visibility::Public).await;
        world.like(&fans[..count], post, author).await;
        likes.push((post, count as u64));
    }
    let hidden = world.post(author, Visibility::Private).await;
    world.recounted("post_engagement").await;

    let job = HotPostGenerator::new(world.discovery.clone(), world.cache.clone());
    let before = Utc::now();
    let report = world.succeed(&job).await;
    let after = Utc::now();
    assert_eq!(report.items, 4);

    let list = world.cache.hot_posts().await.unwrap().unwrap();
    likes.sort_by_key(|(_, likes)| std::cmp::Reverse(*likes));
    let ids: Vec<PostId> = list.iter().map(|post| post.post_id).collect();
    assert_eq!(ids, likes.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    assert!(!ids.contains(&hidden));
    for (hot, (_, likes)) in list.iter().zip(&likes) {
        let counts = Counts {
            likes: *likes,
            ..Counts::default()
        };
        let score = |now| {
            hot_score(
                age_hours(hot.created_at, now),
                &counts,
                &FormulaConfig::default(),
            )
        };
        // Freshness falls while the list is made.
        assert!(
            (score(after)..=score(before)).contains(&hot.score),
            "{hot:?}"
        );
        assert!((0.40 * hot.engagement + 0.30 * hot.freshness - hot.score).abs() < 1e-12);
    }

    let mut redis = world.redis().await;
    let ttl: i64 = redis.ttl(keys::HOT_POSTS).await.unwrap();
    assert!((100..=120).contains(&ttl), "{ttl}");
    let text: String = redis.get(keys::HOT_POSTS).await.unwrap();
    let array: Vec<Value> = serde_json::from_str(&text).unwrap();
    insta::assert_json_snapshot!(array[0], {
        ".post_id" => "[id]",
        ".author_id" => "[id]",
        ".created_at" => "[time]",
        ".freshness" => insta::dynamic_redaction(|value, _| {
            assert!(value.as_f64().is_some_and(|f| (0.0..=1.0).contains(&f)));
            "[0..1]"
        }),
        ".score" => "[0.40 * engagement + 0.30 * freshness]",
    });
}

#[tokio::test]
async fn a_run_that_stood_still_does_not_overwrite_a_later_one() {
    let world = World::start().await;
    let newer: Vec<HotPost> = Vec::new();
    assert!(world.cache.store_hot_posts(&newer, u64::MAX).await.unwrap());
    let job = HotPostGenerator::new(world.discovery.clone(), world.cache.clone());
    let report = world.run(&job).await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(
        report.remark.as_deref(),
        Some("a later run has written already")
    );
}
