//! Overlays, stale marks and bodies.

use std::collections::HashMap;

use nova_domain::{MediaType, PostBody, UserId, Visibility};

use crate::bench::Bench;
use crate::records::{Post, follow, heartbeat, like};

impl Bench {
    async fn becomes_stale(&self, viewer: UserId) {
        self.until("the mark", || async {
            self.stale_ms(viewer)
                .await
                .map(drop)
                .ok_or_else(|| "not stale".to_owned())
        })
        .await;
    }
}

/// A new post marks the feeds of active followers stale, and of nobody else.
pub(crate) async fn followers_of_a_new_post(bench: &Bench) {
    let author = UserId::generate();
    let (follower, gone, stranger) = (
        bench.active_viewer().await,
        bench.active_viewer().await,
        bench.active_viewer().await,
    );
    let inactive = UserId::generate();
    let follows = [
        follow("r", follower, author),
        follow("r", gone, author),
        follow("r", inactive, author),
        follow("d", gone, author),
    ];
    bench.produce(&follows).await;
    bench.flushed().await;
    // Whoever unfollows is ranked for anew, at once; a follow read by a snapshot is no news.
    assert!(bench.stale_ms(gone).await.is_some());
    assert_eq!(bench.stale_ms(follower).await, None);

    let private = Post {
        visibility: "private",
        ..Post::by(author)
    };
    let old = Post {
        created_at: chrono::Utc::now() - chrono::Duration::hours(73),
        ..Post::by(author)
    };
    let read = Post::by(author);
    bench
        .produce(&[private.record("c"), old.record("c"), read.record("r")])
        .await;
    bench.flushed().await;
    assert_eq!(bench.stale_ms(follower).await, None);

    let before = chrono::Utc::now().timestamp_millis();
    let post = Post {
        visibility: "followers",
        ..Post::by(author)
    };
    bench.produce(&[post.record("c")]).await;
    bench.becomes_stale(follower).await;
    assert!(bench.stale_ms(follower).await >= Some(before));
    // By then a ranking finds it.
    let found: u64 = bench
        .olap
        .client()
        .query("SELECT count() FROM posts_by_author WHERE post_id = ?")
        .bind(post.id)
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(found, 1);
    bench.flushed().await;
    assert_eq!(bench.stale_ms(stranger).await, None);
    assert_eq!(bench.stale_ms(inactive).await, None);
}

/// How many followers an author may have whose new posts mark feeds stale.
pub(crate) const FANOUT_CAP: u32 = 3;

/// An author with more followers than the cap marks nobody.
pub(crate) async fn fanout_is_capped(bench: &Bench) {
    let (famous, known) = (UserId::generate(), UserId::generate());
    let viewer = bench.active_viewer().await;
    let mut follows: Vec<_> = (0..FANOUT_CAP)
        .map(|_| follow("r", UserId::generate(), famous))
        .collect();
    follows.push(follow("r", viewer, famous));
    bench.produce(&follows).await;
    bench.flushed().await;
    bench.produce(&[Post::by(famous).record("c")]).await;
    bench.flushed().await;
    assert_eq!(bench.stale_ms(viewer).await, None);

    bench.produce(&[follow("r", viewer, known)]).await;
    bench.flushed().await;
    bench.produce(&[Post::by(known).record("c")]).await;
    bench.becomes_stale(viewer).await;
}

/// What a viewer did elsewhere shows in the overlay.
pub(crate) async fn overlays(bench: &Bench) {
    let viewer = bench.active_viewer().await;
    let (inactive, author) = (UserId::generate(), UserId::generate());
    let post = Post::by(author).id;
    let unliked = like("d", post, viewer);
    bench
        .produce(&[
            follow("c", viewer, author),
            like("c", post, viewer),
            like("c", post, inactive),
        ])
        .await;
    // A new follow counts once ClickHouse has it.
    bench.becomes_stale(viewer).await;
    bench.flushed().await;
    let overlay = bench.cache.overlay(viewer).await.unwrap();
    assert_eq!(overlay.follows, HashMap::from([(author, true)]));
    assert_eq!(overlay.likes, HashMap::from([(post, true)]));
    assert!(bench.cache.overlay(inactive).await.unwrap().is_empty());

    // An older change that comes late does not win.
    bench.produce(&[unliked, follow("d", viewer, author)]).await;
    bench.flushed().await;
    let overlay = bench.cache.overlay(viewer).await.unwrap();
    assert_eq!(overlay.likes, HashMap::from([(post, true)]));
    assert_eq!(overlay.follows, HashMap::from([(author, false)]));
}

/// A body counts as missing once its post has changed, also one that a late reader writes.
pub(crate) async fn bodies(bench: &Bench) {
    let post = Post::by(UserId::generate());
    let body = PostBody {
        author_id: post.author,
        caption: "old".to_owned(),
        media_url: "https://media.example/1".to_owned(),
        media_type: MediaType::Video,
        duration_ms: 1,
        visibility: Visibility::Public,
        created_at: post.created_at,
    };
    let viewer = UserId::generate();
    let keep = async || bench.cache.store_bodies(&[(post.id, &body, 1)]).await;
    bench
        .cache
        .apply_deleted(&[(post.id, false, 1)])
        .await
        .unwrap();
    keep().await.unwrap();
    bench.produce(&[post.record("u")]).await;
    let forgotten = || async {
        let hydration = bench.cache.hydration(viewer, &[post.id]).await.unwrap();
        match hydration.bodies[0] {
            None => Ok(()),
            Some(_) => Err("it is still there".to_owned()),
        }
    };
    bench.until("the body", forgotten).await;
    // A reader that had read it before writes it now.
    keep().await.unwrap();
    forgotten().await.unwrap();
}

/// A heartbeat says how far the pipeline is.
pub(crate) async fn heartbeats(bench: &Bench) {
    // Newer than everything that is projected beside it.
    let ahead = chrono::Utc::now().timestamp_millis() + 600_000;
    bench.produce(&[heartbeat(ahead)]).await;
    bench
        .until("the note", || async {
            let seen = bench.cache.pipeline_seen().await.unwrap();
            (seen == Some(ahead))
                .then_some(())
                .ok_or_else(|| format!("{seen:?}"))
        })
        .await;
}
