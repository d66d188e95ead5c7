//! Absolute numbers with versions: whatever comes twice, late or out of order changes nothing.

use nova_domain::{EventCounts, PostCounts};

use crate::support::{Engine, post, posts};

fn counts(likes: u64, version: u128) -> PostCounts {
    PostCounts {
        post: post(1),
        likes,
        comments: likes + 1,
        version,
    }
}

#[tokio::test]
async fn only_a_newer_version_changes_the_counts() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    // Beyond 2^53 and 2^64: versions that a double would take for the same.
    let old = u128::from(u64::MAX) * 1_000_000;
    let likes = async || anyhow::Ok(cache.counters(&[post(1)]).await?[0].and_then(|row| row.likes));

    assert_eq!(cache.apply_counts(&[counts(10, old)]).await?, 1);
    assert_eq!(
        cache.apply_counts(&[counts(11, old - 1)]).await?,
        0,
        "older"
    );
    assert_eq!(cache.apply_counts(&[counts(12, old)]).await?, 0, "equal");
    assert_eq!(likes().await?, Some(10));
    assert_eq!(
        cache.apply_counts(&[counts(9, old + 1)]).await?,
        1,
        "newer, and fewer"
    );
    assert_eq!(likes().await?, Some(9));
    assert_eq!(
        cache
            .apply_counts(&[counts(8, 2), counts(7, u128::MAX)])
            .await?,
        1
    );
    let row = cache.counters(&[post(1)]).await?[0].unwrap();
    assert_eq!(
        (row.likes, row.comments, row.version),
        (Some(7), Some(8), Some(u128::MAX))
    );
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn events_have_a_version_of_their_own() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let events = |views, version| EventCounts {
        post: post(1),
        shares: 1,
        impressions: 100,
        views,
        version,
    };
    cache.apply_counts(&[counts(10, u128::MAX)]).await?;
    assert_eq!(cache.apply_event_counts(&[events(5, 9)]).await?, 1);
    assert_eq!(
        cache
            .apply_event_counts(&[events(6, 9), events(7, 8)])
            .await?,
        0
    );
    assert_eq!(cache.apply_event_counts(&[events(6, 10)]).await?, 1);
    let row = cache.counters(&[post(1)]).await?[0].unwrap();
    assert_eq!((row.views, row.events_version), (Some(6), Some(10)));
    assert_eq!((row.likes, row.version), (Some(10), Some(u128::MAX)));
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_deleted_post_stays_deleted_in_any_order() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let deleted =
        async || anyhow::Ok(cache.counters(&[post(1)]).await?[0].is_some_and(|row| row.deleted));

    assert_eq!(cache.apply_deleted(&[(post(1), true, 200)]).await?, 1);
    // The post as it was created, redelivered after its deletion.
    assert_eq!(cache.apply_deleted(&[(post(1), false, 100)]).await?, 0);
    assert_eq!(cache.apply_deleted(&[(post(1), false, 200)]).await?, 0);
    assert!(deleted().await?);
    cache.apply_counts(&[counts(3, 1)]).await?;
    assert!(deleted().await?, "counts do not bring it back");
    assert_eq!(cache.apply_deleted(&[(post(1), false, u64::MAX)]).await?, 1);
    assert!(!deleted().await?);
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn many_posts_go_in_pipelines_of_a_thousand() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let all = posts(2_500);
    let counts: Vec<PostCounts> = all
        .iter()
        .zip(1..)
        .map(|(post, likes)| PostCounts {
            post: *post,
            likes,
            comments: 0,
            version: 1,
        })
        .collect();
    engine.cache.ping().await?;
    let before = engine.cache.round_trips();
    assert_eq!(engine.cache.apply_counts(&counts).await?, 2_500);
    assert_eq!(engine.cache.round_trips() - before, 3);
    let rows = engine.cache.counters(&all).await?;
    assert_eq!(engine.cache.round_trips() - before, 6);
    let likes: Vec<u64> = rows
        .iter()
        .filter_map(|row| row.and_then(|row| row.likes))
        .collect();
    assert_eq!(likes, (1..=2_500).collect::<Vec<u64>>());
    engine.stop().await;
    Ok(())
}
