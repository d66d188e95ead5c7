//! What is in Redis, key by key, as others read it.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use nova_cache::{
    HOT_POSTS, HotPost, OverlayChange, OverlayKey, PageKey, PageLook, SUGGESTED_USERS, Suggestion,
    SuggestionReason,
};
use nova_domain::{EventCounts, MediaType, PostBody, PostCounts, Visibility};
use uuid::Uuid;

use crate::support::{Engine, post, user};

const FIRST: PageKey = PageKey {
    offset: 0,
    limit: 20,
};

fn at() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_800_000_000_123_456)
}

#[tokio::test]
async fn each_key_has_its_form_and_its_life() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let (u, p) = (user(1), post(1));
    let id = Uuid::from_u128(7);

    cache.store_snapshot(u, id, 1_000, b"ranking", true).await?;
    cache
        .store_page(u, FIRST, id, br#"{"items":[]}"#, Some((20, 23)))
        .await?;
    cache.store_blocks(u, &HashSet::from([user(9)])).await?;
    let body = PostBody {
        author_id: user(2),
        caption: "Hallo".to_owned(),
        media_url: "https://media.example/1".to_owned(),
        media_type: MediaType::Image,
        duration_ms: 0,
        visibility: Visibility::Public,
        created_at: at(),
    };
    cache.store_bodies(&[(p, &body, 4)]).await?;
    cache.apply_deleted(&[(p, false, 4)]).await?;
    let counts = PostCounts {
        post: p,
        likes: 3,
        comments: 2,
        version: 12,
    };
    cache.apply_counts(&[counts]).await?;
    let like = OverlayChange {
        viewer: u,
        what: OverlayKey::Like(p),
        on: true,
        lsn: 5,
    };
    cache.overlay_set(&[like], false).await?;
    cache.note_pipeline_seen(1_234).await?;
    assert!(cache.try_rank_lock(u).await?.is_some());

    let seconds =
        |range: std::ops::RangeInclusive<i64>| (range.start() * 1_000)..=(range.end() * 1_000);
    for (key, kind, life) in [
        (format!("feed:v1:{u}:0:20"), "string", seconds(53..=60)),
        (
            format!("feed:snapshot:{u}:{id}"),
            "string",
            seconds(595..=600),
        ),
        (format!("feed:viewer:{u}"), "hash", seconds(595..=600)),
        (format!("overlay:{u}"), "hash", seconds(655..=660)),
        (format!("post:{p}"), "hash", seconds(604_795..=604_800)),
        (format!("post:body:{p}"), "string", seconds(3_595..=3_600)),
        (format!("blocks:{u}"), "string", seconds(86_395..=86_400)),
        (format!("lock:rank:{u}"), "string", 1..=1_000),
        ("pipeline:seen".to_owned(), "string", seconds(3_595..=3_600)),
    ] {
        let found: String = engine.raw(&["TYPE", &key]).await?;
        // The rank lock lives for a second: this test may be slower.
        if key.starts_with("lock:") && found == "none" {
            continue;
        }
        assert_eq!(found, kind, "{key}");
        let left = engine.life(&key).await?;
        assert!(life.contains(&left), "{key}: {left} ms, not {life:?}");
    }

    let page: String = engine.raw(&["GET", &format!("feed:v1:{u}:0:20")]).await?;
    assert_eq!(page, format!(r#"{id}{{"items":[]}}"#));
    let version: String = engine
        .raw(&["HGET", &format!("post:{p}"), "version"])
        .await?;
    assert_eq!(version, format!("{:039}", 12));
    let like: String = engine
        .raw(&["HGET", &format!("overlay:{u}"), &format!("like:{p}")])
        .await?;
    assert_eq!(like, "1@00000000000000000005");
    let raw: u32 = engine
        .raw(&["HGET", &format!("feed:viewer:{u}"), "o:20"])
        .await?;
    assert_eq!(raw, 23);

    // And read back through the cache.
    assert_eq!(
        cache.snapshot(u, id).await?.as_deref(),
        Some(&b"ranking"[..])
    );
    assert_eq!(cache.snapshot(u, Uuid::from_u128(8)).await?, None);
    assert_eq!(cache.blocks(u).await?, Some(HashSet::from([user(9)])));
    assert_eq!(cache.blocks(user(3)).await?, None);
    assert_eq!(cache.pipeline_seen().await?, Some(1_234));
    let hydration = cache.hydration(u, &[p, post(2)]).await?;
    assert_eq!(hydration.bodies, [Some(body), None]);
    assert_eq!(hydration.counters[0].and_then(|row| row.likes), Some(3));
    assert_eq!(hydration.counters[1], None);
    assert_eq!(hydration.overlay.likes.get(&p), Some(&true));
    let look = cache.look(u, FIRST, None).await?;
    let full = PageLook::Full {
        snapshot: id,
        body: br#"{"items":[]}"#.as_slice().into(),
    };
    assert_eq!(look.page, full);
    let row = look.viewer.unwrap();
    assert_eq!(
        (row.fresh, row.walk, row.next),
        (Some(id), Some(id), Some(23))
    );
    assert_eq!(
        (row.generated_ms, row.stale_ms, row.start),
        (Some(1_000), None, None)
    );
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn lists_are_json_arrays_of_a_bounded_length() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    assert_eq!(cache.hot_posts().await?, None);
    assert_eq!(cache.suggestions(user(1)).await?, None);

    let hot = |n: u128| HotPost {
        post_id: post(n),
        author_id: user(n),
        created_at: at(),
        engagement: 0.1 + 0.2,
        freshness: 1.0 / 3.0,
        score: f64::MIN_POSITIVE,
    };
    let many: Vec<HotPost> = (0..250).map(hot).collect();
    assert!(cache.store_hot_posts(&many, 1).await?);
    assert_eq!(
        cache.hot_posts().await?.as_deref(),
        Some(&many[..HOT_POSTS])
    );
    let left = engine.life("hot:posts:1h").await?;
    assert!((115_000..=120_000).contains(&left), "{left}");
    let json: String = engine.raw(&["GET", "hot:posts:1h"]).await?;
    assert!(
        json.starts_with(&format!("[{{\"post_id\":\"{}\"", post(0))),
        "{json}"
    );

    let user_of = |n: u128| Suggestion {
        user_id: user(n),
        score: 0.1 * 3.0,
        interactions: 4,
        reason: SuggestionReason::Popular { followers: 12 },
    };
    let many: Vec<Suggestion> = (0..30).map(user_of).collect();
    cache.store_suggestions(user(1), &many).await?;
    let stored = cache.suggestions(user(1)).await?;
    assert_eq!(stored.as_deref(), Some(&many[..SUGGESTED_USERS]));
    let left = engine.life(&format!("suggest:users:{}", user(1))).await?;
    assert!((895_000..=900_000).contains(&left), "{left}");
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn each_field_of_a_post_is_written_by_its_own_source() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let p = post(1);
    let events = EventCounts {
        post: p,
        shares: 1,
        impressions: 2,
        views: 3,
        version: 4,
    };
    engine.cache.apply_event_counts(&[events]).await?;
    let row = engine.cache.counters(&[p]).await?[0].unwrap();
    assert_eq!(
        (row.shares, row.impressions, row.views),
        (Some(1), Some(2), Some(3))
    );
    assert_eq!((row.likes, row.comments, row.version), (None, None, None));
    assert_eq!((row.deleted, row.events_version), (false, Some(4)));
    engine.cache.apply_deleted(&[(p, true, 9)]).await?;
    let fields: Vec<String> = engine
        .raw(&[
            "HMGET",
            &format!("post:{p}"),
            "deleted",
            "post_version",
            "events_version",
        ])
        .await?;
    assert_eq!(
        fields,
        ["1", "00000000000000000009", "00000000000000000004"]
    );
    engine.stop().await;
    Ok(())
}
