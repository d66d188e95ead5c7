//! Locks and fences.

use std::time::Duration;

use nova_cache::{keys, ttl};
use nova_testbed::wait_for;

use crate::support::{Engine, PATIENCE, user};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn one_ranks_for_a_viewer_at_a_time() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let lock = cache.try_rank_lock(user(1)).await?.unwrap();
    assert!(
        cache.try_rank_lock(user(2)).await?.is_some(),
        "another viewer"
    );
    let held = cache.try_rank_lock(user(1)).await?;
    let left = engine.life(&keys::rank_lock(user(1))).await?;
    // Unless a second has gone by on a busy machine.
    assert!(held.is_none() || left <= 0, "{left}");
    cache.release_rank_lock(lock.clone()).await?;
    let second = wait_for(PATIENCE, async || {
        cache
            .try_rank_lock(user(1))
            .await
            .map_err(|e| e.to_string())?
            .ok_or_else(|| "held".to_owned())
    })
    .await?;
    assert_ne!(second, lock);
    // The first holder comes late: the lock is not its own any more.
    cache.release_rank_lock(lock).await?;
    let left = engine.life(&keys::rank_lock(user(1))).await?;
    assert!(left <= i64::try_from(ttl::RANK_LOCK.as_millis())?);
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_job_runs_once_and_its_lease_can_be_prolonged() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let lease = cache.acquire_job("warmer", LONG).await?.unwrap();
    assert_eq!(cache.acquire_job("warmer", LONG).await?, None);
    assert!(cache.acquire_job("other", LONG).await?.is_some());
    let key = keys::job_lock("warmer");
    let left = engine.life(&key).await?;
    assert!((55_000..=60_000).contains(&left), "{left}");
    assert!(cache.renew_job(&lease, LONG * 2).await?);
    assert!(engine.life(&key).await? > 60_000);
    assert!(cache.release_job(lease.clone()).await?);
    assert!(!cache.release_job(lease.clone()).await?);
    assert!(
        !cache.renew_job(&lease, LONG).await?,
        "given back is given back"
    );
    assert!(cache.acquire_job("warmer", LONG).await?.is_some());
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_expired_lease_cannot_write_over_the_next_one() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let key = keys::HOT_POSTS;
    let old = cache.acquire_job("hot", SHORT).await?.unwrap();
    assert!(cache.set_fenced(key, b"old", LONG, old.fence).await?);
    let new = wait_for(PATIENCE, async || {
        let lease = cache
            .acquire_job("hot", LONG)
            .await
            .map_err(|e| e.to_string())?;
        lease.ok_or_else(|| "still held".to_owned())
    })
    .await?;
    assert!(new.fence > old.fence);
    // The new one has not written yet: the old one still may.
    assert!(cache.set_fenced(key, b"older", LONG, old.fence).await?);
    assert!(cache.set_fenced(key, b"new", LONG, new.fence).await?);
    assert!(!cache.set_fenced(key, b"late", LONG, old.fence).await?);
    assert!(!cache.renew_job(&old, LONG).await?);
    assert!(
        !cache.release_job(old).await?,
        "the lock is the new lease's"
    );
    let value: String = engine.raw(&["GET", key]).await?;
    assert_eq!(value, "new");
    assert!(cache.set_fenced(key, b"newer", LONG, new.fence).await?);
    let left = engine.life(&keys::write_fence(key)).await?;
    assert!(left > 80_000_000, "{left}");
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_lost_fence_counter_starts_above_the_old_one() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let mut last = 0;
    for _ in 0..50 {
        let lease = cache.acquire_job("hot", LONG).await?.unwrap();
        assert!(lease.fence > last, "{} then {}", last, lease.fence);
        last = lease.fence;
        assert!(cache.set_fenced("k", b"v", LONG, last).await?);
        cache.release_job(lease).await?;
        // A cache that is full forgets keys: this one among them.
        let _: i64 = engine.raw(&["DEL", &keys::job_fence("hot")]).await?;
    }
    engine.stop().await;
    Ok(())
}
