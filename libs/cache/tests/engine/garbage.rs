//! Keys that hold something else: a miss for readers, made anew by writers.

use nova_cache::{CacheError, OverlayChange, OverlayKey, PageKey, PageLook, keys, ttl};
use nova_domain::PostCounts;
use uuid::Uuid;

use crate::support::{Engine, post, user};

const FIRST: PageKey = PageKey {
    offset: 0,
    limit: 20,
};

#[tokio::test]
async fn keys_of_another_type_are_misses_and_are_made_anew() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u, p) = (&engine.cache, user(1), post(1));
    for key in [
        keys::feed_page(u, 0, 20),
        keys::viewer(u),
        keys::overlay(u),
        keys::counters(p),
        keys::body(p),
        keys::blocks(u),
        keys::HOT_POSTS.to_owned(),
        keys::suggested_users(u),
        keys::PIPELINE_SEEN.to_owned(),
        keys::snapshot(u, Uuid::nil()),
        keys::write_fence(keys::HOT_POSTS),
    ] {
        let _: i64 = engine.raw(&["RPUSH", &key, "not", "ours"]).await?;
    }

    let look = cache.look(u, FIRST, Some(&[p])).await?;
    assert_eq!(
        (look.page, look.viewer, &look.counters[..]),
        (PageLook::Absent, None, &[None][..])
    );
    assert!(look.overlay.is_empty());
    assert_eq!(cache.look(u, FIRST, None).await?.page, PageLook::Absent);
    assert_eq!(cache.hydration(u, &[p]).await?.bodies, [None]);
    assert_eq!(cache.blocks(u).await?, None);
    assert_eq!(cache.hot_posts().await?, None);
    assert_eq!(cache.suggestions(u).await?, None);
    assert_eq!(cache.pipeline_seen().await?, None);
    assert_eq!(cache.snapshot(u, Uuid::nil()).await?, None);

    let counts = PostCounts {
        post: p,
        likes: 1,
        comments: 1,
        version: 1,
    };
    assert_eq!(cache.apply_counts(&[counts]).await?, 1);
    let like = OverlayChange {
        viewer: u,
        what: OverlayKey::Like(p),
        on: true,
        lsn: 1,
    };
    assert_eq!(cache.overlay_set(&[like], false).await?, 1);
    cache
        .store_snapshot(u, Uuid::nil(), 1, b"ranking", true)
        .await?;
    cache.store_page(u, FIRST, Uuid::nil(), b"{}", None).await?;
    cache.note_pipeline_seen(5).await?;
    let look = cache.look(u, FIRST, Some(&[p])).await?;
    assert_eq!(look.page, PageLook::Id(Uuid::nil()));
    assert!(look.overlay.likes[&p]);
    assert_eq!(look.counters[0].and_then(|row| row.likes), Some(1));
    assert_eq!(look.viewer.and_then(|row| row.fresh), Some(Uuid::nil()));
    assert_eq!(cache.pipeline_seen().await?, Some(5));
    assert!(cache.store_hot_posts(&[], 1).await?);
    assert_eq!(cache.hot_posts().await?, Some(Vec::new()));
    let _: i64 = engine
        .raw(&["RPUSH", &keys::job_fence("hot"), "not", "ours"])
        .await?;
    assert!(cache.acquire_job("hot", ttl::HOT).await?.is_some());
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn values_that_cannot_be_decoded_are_misses() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u, p) = (&engine.cache, user(1), post(1));
    for (key, value) in [
        (keys::feed_page(u, 0, 20), "no id here"),
        (keys::body(p), "{\"caption\":1}"),
        (keys::blocks(u), "[1]"),
        (keys::HOT_POSTS.to_owned(), "[{}]"),
        (keys::suggested_users(u), "\u{1}"),
        (keys::PIPELINE_SEEN.to_owned(), "yesterday"),
    ] {
        let _: String = engine.raw(&["SET", &key, value]).await?;
    }
    let _: i64 = engine
        .raw(&["HSET", &keys::viewer(u), "fresh", "nothing", "stale", "1"])
        .await?;
    let _: i64 = engine
        .raw(&["HSET", &keys::counters(p), "likes", "-1", "comments", "2"])
        .await?;
    let like = format!("like:{p}");
    let overlay = keys::overlay(u);
    let fields = [
        "HSET", &overlay, "poke:1", "1@1", &like, "1@1", "block:x", "1@1",
    ];
    let _: i64 = engine.raw(&fields).await?;

    let look = cache.look(u, FIRST, Some(&[p])).await?;
    assert_eq!(
        (look.page, look.viewer, &look.counters[..]),
        (PageLook::Absent, None, &[None][..])
    );
    assert_eq!(
        (look.overlay.likes.len(), look.overlay.blocks.len()),
        (1, 0),
        "the rest of it stays"
    );
    assert_eq!(cache.hydration(u, &[p]).await?.bodies, [None]);
    assert_eq!(cache.blocks(u).await?, None);
    assert_eq!(cache.hot_posts().await?, None);
    assert_eq!(cache.suggestions(u).await?, None);
    assert_eq!(cache.pipeline_seen().await?, None);
    cache.note_pipeline_seen(5).await?;
    assert_eq!(cache.pipeline_seen().await?, Some(5));
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_takes_no_more_says_so() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    engine
        .cache
        .store_page(user(1), FIRST, Uuid::nil(), b"{}", None)
        .await?;
    for setting in [["maxmemory-policy", "noeviction"], ["maxmemory", "1"]] {
        let _: String = engine
            .raw(&["CONFIG", "SET", setting[0], setting[1]])
            .await?;
    }
    let refused = engine
        .cache
        .store_page(user(2), FIRST, Uuid::nil(), b"{}", None)
        .await;
    assert!(
        matches!(refused, Err(CacheError::Refused { .. })),
        "{refused:?}"
    );
    // Reading goes on.
    let look = engine.cache.look(user(1), FIRST, None).await?;
    assert_ne!(look.page, PageLook::Absent);
    engine.stop().await;
    Ok(())
}
