//! Overlays: the newest change of each thing, within a bound.

use nova_cache::{MOST_OVERLAY_FIELDS, OverlayChange, OverlayKey};
use nova_domain::UserId;
use uuid::Uuid;

use crate::support::{Engine, post, user};

fn change(viewer: UserId, what: OverlayKey, on: bool, lsn: u64) -> OverlayChange {
    OverlayChange {
        viewer,
        what,
        on,
        lsn,
    }
}

fn likes(viewer: UserId, range: std::ops::Range<u64>) -> Vec<OverlayChange> {
    range
        .map(|n| change(viewer, OverlayKey::Like(post(n.into())), true, n))
        .collect()
}

#[tokio::test]
async fn the_newest_change_of_each_thing_stays() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u) = (&engine.cache, user(1));
    let like = |on, lsn| [change(u, OverlayKey::Like(post(1)), on, lsn)];

    assert_eq!(cache.overlay_set(&like(true, 100), false).await?, 1);
    assert_eq!(
        cache.overlay_set(&like(false, 99), false).await?,
        0,
        "older"
    );
    assert_eq!(
        cache.overlay_set(&like(false, 100), false).await?,
        0,
        "equal"
    );
    assert!(cache.overlay(u).await?.likes[&post(1)]);
    // As numbers of one length: 1000 is more than 999.
    assert_eq!(cache.overlay_set(&like(false, 1_000), false).await?, 1);
    assert_eq!(cache.overlay_set(&like(true, 999), false).await?, 0);
    let others = [
        change(u, OverlayKey::Follow(user(2)), false, u64::MAX),
        change(u, OverlayKey::Block(user(3)), true, 7),
        change(user(4), OverlayKey::Block(user(1)), true, 7),
    ];
    assert_eq!(cache.overlay_set(&others, false).await?, 3);
    let overlay = cache.overlay(u).await?;
    assert!(!overlay.likes[&post(1)]);
    assert!(!overlay.follows[&user(2)]);
    assert!(overlay.blocks[&user(3)]);
    assert_eq!(overlay.blocks.len(), 1);
    assert!(cache.overlay(user(5)).await?.is_empty());
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_inactive_get_none_when_so_asked() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let (active, inactive) = (user(1), user(2));
    cache
        .store_snapshot(active, Uuid::from_u128(1), 1, b"", true)
        .await?;
    let changes = [
        change(active, OverlayKey::Like(post(1)), true, 1),
        change(inactive, OverlayKey::Like(post(1)), true, 1),
        change(active, OverlayKey::Like(post(2)), true, 2),
    ];
    assert_eq!(cache.overlay_set(&changes, true).await?, 2);
    assert_eq!(cache.overlay(active).await?.likes.len(), 2);
    assert!(cache.overlay(inactive).await?.is_empty());
    let exists: bool = engine
        .raw(&["EXISTS", &format!("feed:viewer:{inactive}")])
        .await?;
    assert!(!exists, "nobody is made active");
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_full_overlay_drops_old_likes_and_never_what_hides() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u) = (&engine.cache, user(1));
    // The oldest of all, so that nothing but their kind protects them.
    let hiding = [
        change(u, OverlayKey::Block(user(7)), true, 1),
        change(u, OverlayKey::Follow(user(8)), false, 2),
    ];
    let showing = [
        change(u, OverlayKey::Block(user(9)), false, 3),
        change(u, OverlayKey::Follow(user(10)), true, 4),
    ];
    cache.overlay_set(&hiding, false).await?;
    cache.overlay_set(&showing, false).await?;
    cache.overlay_set(&likes(u, 100..10_100), false).await?;

    let overlay = cache.overlay(u).await?;
    let fields: usize = engine.raw(&["HLEN", &format!("overlay:{u}")]).await?;
    assert!(fields <= MOST_OVERLAY_FIELDS + 1, "{fields}");
    assert!(overlay.likes.len() > MOST_OVERLAY_FIELDS - 300);
    assert!(
        overlay.likes.contains_key(&post(10_099)),
        "the newest is there"
    );
    assert!(!overlay.likes.contains_key(&post(100)), "the oldest is not");
    assert!(overlay.blocks[&user(7)]);
    assert!(!overlay.follows[&user(8)]);
    assert!(
        !overlay.blocks[&user(9)],
        "likes go before follows and unblocks"
    );
    assert!(overlay.follows[&user(10)]);

    // A dropped like that is delivered again may be older than the unlike that was dropped with it.
    assert_eq!(cache.overlay_set(&likes(u, 100..101), false).await?, 0);
    assert!(!cache.overlay(u).await?.likes.contains_key(&post(100)));
    // A late block is written all the same: hiding is the safe direction.
    let late = [change(u, OverlayKey::Block(user(11)), true, 5)];
    assert_eq!(cache.overlay_set(&late, false).await?, 1);
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_hides_goes_beyond_the_bound_and_likes_do_not() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u) = (&engine.cache, user(1));
    let many = MOST_OVERLAY_FIELDS as u64 + 50;
    let blocks: Vec<OverlayChange> = (0..many)
        .map(|n| change(u, OverlayKey::Block(user(n.into())), true, n))
        .collect();
    cache.overlay_set(&likes(u, 0..10), false).await?;
    assert_eq!(cache.overlay_set(&blocks, false).await?, blocks.len());
    let overlay = cache.overlay(u).await?;
    assert_eq!(
        (overlay.blocks.len(), overlay.likes.len()),
        (blocks.len(), 0)
    );
    assert_eq!(cache.overlay_set(&likes(u, 5_000..5_010), false).await?, 0);
    assert_eq!(cache.overlay(u).await?.blocks.len(), blocks.len());
    engine.stop().await;
    Ok(())
}
