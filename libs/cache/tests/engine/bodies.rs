//! Bodies of posts that change.

use chrono::DateTime;
use nova_domain::{MediaType, PostBody, UserId, Visibility};

use crate::support::{Engine, post};

fn body(caption: &str) -> PostBody {
    PostBody {
        author_id: UserId::generate(),
        caption: caption.to_owned(),
        media_url: "https://media.example/1".to_owned(),
        media_type: MediaType::Image,
        duration_ms: 0,
        visibility: Visibility::Public,
        created_at: DateTime::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn a_body_older_than_the_newest_change_is_missing() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let (cache, viewer) = (&engine.cache, UserId::generate());
    let caption = async || {
        let bodies = cache.hydration(viewer, &[post(1)]).await?.bodies;
        anyhow::Ok(bodies.into_iter().flatten().next().map(|b| b.caption))
    };
    let (old, new) = (body("old"), body("new"));

    cache.store_bodies(&[(post(1), &old, 50)]).await?;
    assert_eq!(caption().await?, None, "nobody knows whether it changed");
    cache.apply_deleted(&[(post(1), false, 50)]).await?;
    assert_eq!(caption().await?.as_deref(), Some("old"));
    cache.apply_deleted(&[(post(1), false, 100)]).await?;
    assert_eq!(caption().await?, None, "it may show what was before");

    cache.store_bodies(&[(post(1), &new, 100)]).await?;
    assert_eq!(caption().await?.as_deref(), Some("new"));
    let row = cache.counters(&[post(1)]).await?[0];
    assert_eq!(row.and_then(|row| row.post_version), Some(100));

    // Somebody who read PostgreSQL before the change writes after it.
    cache.store_bodies(&[(post(1), &old, 50)]).await?;
    assert_eq!(caption().await?, None);
    engine.stop().await;
    Ok(())
}
