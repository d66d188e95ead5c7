//! What is known of a viewer: the newest ranking, the walk, what is stale.

use std::collections::BTreeMap;

use nova_cache::{PageKey, ViewerRow};
use nova_domain::UserId;
use uuid::Uuid;

use crate::support::{Engine, user};

const SECOND: PageKey = PageKey {
    offset: 20,
    limit: 20,
};

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

async fn row(engine: &Engine, viewer: UserId) -> anyhow::Result<Option<ViewerRow>> {
    Ok(engine.cache.look(viewer, SECOND, None).await?.viewer)
}

#[tokio::test]
async fn the_newest_ranking_stays_the_newest_in_any_order() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u) = (&engine.cache, user(1));
    assert_eq!(row(&engine, u).await?, None);
    cache.store_snapshot(u, id(2), 2_000, b"two", true).await?;
    cache.store_snapshot(u, id(1), 1_000, b"one", false).await?;
    let found = row(&engine, u).await?.unwrap();
    assert_eq!(
        (found.fresh, found.generated_ms),
        (Some(id(2)), Some(2_000))
    );
    assert_eq!(found.walk, Some(id(2)));
    assert_eq!(
        cache.snapshot(u, id(1)).await?.as_deref(),
        Some(&b"one"[..])
    );
    cache
        .store_snapshot(u, id(3), 3_000, b"three", false)
        .await?;
    let found = row(&engine, u).await?.unwrap();
    assert_eq!((found.fresh, found.walk), (Some(id(3)), Some(id(2))));
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn stale_marks_only_the_active_and_never_moves_back() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u) = (&engine.cache, user(1));
    cache.store_snapshot(u, id(1), 1_000, b"", true).await?;
    assert_eq!(cache.mark_stale(&[u, user(2)], 1_500).await?, 1);
    assert_eq!(row(&engine, user(2)).await?, None);
    assert_eq!(cache.mark_stale(&[u], 1_400).await?, 0, "never back");
    assert_eq!(cache.mark_stale(&[u], 1_500).await?, 0);
    assert_eq!(row(&engine, u).await?.unwrap().stale_ms, Some(1_500));
    assert_eq!(cache.mark_stale(&[u], 1_600).await?, 1);

    // A ranking does not forget the mark: it may have begun before.
    cache.store_snapshot(u, id(2), 1_550, b"", true).await?;
    let found = row(&engine, u).await?.unwrap();
    assert_eq!(
        (found.stale_ms, found.generated_ms),
        (Some(1_600), Some(1_550))
    );
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn positions_belong_to_the_snapshot_that_is_walked() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u) = (&engine.cache, user(1));
    let position =
        async |snapshot, offset, raw| cache.remember_position(u, snapshot, offset, raw).await;

    position(id(1), 20, 25).await?;
    assert_eq!(
        row(&engine, u).await?,
        None,
        "a position makes nobody active"
    );
    cache.store_snapshot(u, id(1), 1_000, b"", true).await?;
    position(id(1), 20, 25).await?;
    position(id(1), 40, 47).await?;
    position(id(2), 20, 99).await?;
    let found = row(&engine, u).await?.unwrap();
    assert_eq!((found.start, found.next), (Some(25), Some(47)));
    assert_eq!(
        cache.positions(u, id(1)).await?,
        BTreeMap::from([(20, 25), (40, 47)])
    );
    assert!(cache.positions(u, id(2)).await?.is_empty());

    // The same ranking stored again, or walked again, is the same walk.
    cache.start_walk(u, id(1)).await?;
    cache.store_snapshot(u, id(1), 1_000, b"", true).await?;
    assert_eq!(row(&engine, u).await?.unwrap().start, Some(25));

    cache.start_walk(u, id(2)).await?;
    let found = row(&engine, u).await?.unwrap();
    assert_eq!(
        (found.walk, found.start, found.next),
        (Some(id(2)), None, None)
    );
    cache
        .store_page(u, SECOND, id(1), b"{}", Some((40, 48)))
        .await?;
    assert_eq!(
        row(&engine, u).await?.unwrap().next,
        None,
        "a late page of the old walk"
    );
    cache
        .store_page(u, SECOND, id(2), b"{}", Some((40, 48)))
        .await?;
    assert_eq!(row(&engine, u).await?.unwrap().next, Some(48));
    cache.store_snapshot(u, id(3), 2_000, b"", true).await?;
    assert_eq!(row(&engine, u).await?.unwrap().next, None);
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_walk_expires_and_holds_a_bounded_number_of_positions() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, u) = (&engine.cache, user(1));
    cache.start_walk(u, id(1)).await?;
    let key = format!("feed:viewer:{u}");
    let left = engine.life(&key).await?;
    assert!((595_000..=600_000).contains(&left), "{left}");
    for offset in 0..1_100 {
        cache.remember_position(u, id(1), offset, offset).await?;
    }
    let fields: usize = engine.raw(&["HLEN", &key]).await?;
    assert_eq!(fields, 1_000);
    cache.remember_position(u, id(1), 5, 6).await?;
    assert_eq!(
        cache.positions(u, id(1)).await?[&5],
        6,
        "one that is there may change"
    );
    engine.stop().await;
    Ok(())
}
