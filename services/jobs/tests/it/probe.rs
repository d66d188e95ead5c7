//! The freshness probe on a real PostgreSQL, with a feed that reads it straight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nova_domain::{PostId, UserId, Visibility};
use nova_feed::discovery::canary::Canary;
use nova_jobs::jobs::{CanaryFeed, FreshnessProbe, PageFuture, ShownPost};
use nova_jobs::{Outcome, Plan, run_once};
use nova_runtime::Shutdown;
use nova_social::Social;

use crate::world::{PLAN, World};

/// The author's posts with their likes, to whom may see them; or as they were.
#[derive(Clone)]
struct Straight {
    social: Social,
    stuck: Arc<AtomicBool>,
}

impl Straight {
    async fn read(&self, viewer: UserId) -> Result<Vec<ShownPost>, String> {
        let text = |error: nova_social::SocialError| error.to_string();
        let author = Canary::Author.id();
        let posts = self
            .social
            .newest_posts_of(author, 10)
            .await
            .map_err(text)?;
        let ids: Vec<PostId> = posts.into_iter().map(|(post, _)| post).collect();
        let visible = self.social.hydrate(viewer, &ids).await.map_err(text)?;
        let liker = Canary::Liker.id();
        let liked = self.social.hydrate(liker, &ids).await.map_err(text)?;
        let likes = |post| liked.iter().any(|view| view.post_id == post && view.liked);
        Ok(visible
            .iter()
            .map(|view| ShownPost {
                post_id: view.post_id,
                likes: u64::from(likes(view.post_id) && !self.stuck.load(Ordering::SeqCst)),
            })
            .collect())
    }
}

impl CanaryFeed for Straight {
    fn page(&self, viewer: UserId, offset: u32, limit: u32) -> PageFuture<'_> {
        Box::pin(async move {
            let all = self.read(viewer).await?;
            let page = all.into_iter().skip(offset as usize).take(limit as usize);
            Ok(page.collect())
        })
    }
}

#[tokio::test]
async fn the_probe_makes_its_stage_and_measures_likes_and_their_end() {
    let world = World::start().await;
    let feed = Straight {
        social: world.social.clone(),
        stuck: Arc::default(),
    };
    let within = Duration::from_secs(5);
    let probe = FreshnessProbe::new(world.social.clone(), feed.clone(), within);
    let plan = Plan {
        deadline: Duration::from_secs(20),
        ..PLAN
    };
    let run = async || run_once(&probe, &plan, &world.cache, &Shutdown::new()).await;
    for _ in 0..3 {
        let report = run().await;
        assert_eq!((report.outcome, report.items), (Outcome::Ok, 1), "{report}");
        assert!(
            report
                .remark
                .unwrap()
                .starts_with("a like was visible after ")
        );
    }
    // One post, for followers only; the like of the third run is there.
    let author = Canary::Author.id();
    let posts = world.social.newest_posts_of(author, 10).await.unwrap();
    let [(post, _)] = posts[..] else {
        panic!("{posts:?}")
    };
    let views = world.social.hydrate(Canary::Viewer.id(), &[post]).await;
    assert_eq!(views.unwrap()[0].visibility, Visibility::Followers);
    let [stranger] = world.users("stranger").await;
    assert!(
        world
            .social
            .hydrate(stranger, &[post])
            .await
            .unwrap()
            .is_empty()
    );
    let views = world
        .social
        .hydrate(Canary::Liker.id(), &[post])
        .await
        .unwrap();
    assert!(views[0].liked);

    // A feed that stands still: first the like is taken back unseen, then what is there is not what should be.
    make_old(&world, post).await;
    let report = run().await;
    assert_eq!(report.outcome, Outcome::Ok, "{report}");
    let posts = world.social.newest_posts_of(author, 10).await.unwrap();
    assert_eq!(posts.len(), 1, "the old post was replaced");
    assert_ne!(posts[0].0, post);
    feed.stuck.store(true, Ordering::SeqCst);
    let report = run().await;
    assert_eq!(
        report.remark.as_deref(),
        Some("the probe's post still has another count after 5000 ms")
    );
}

#[tokio::test]
async fn a_like_that_does_not_arrive_is_a_failure() {
    let world = World::start().await;
    let feed = Straight {
        social: world.social.clone(),
        stuck: Arc::new(AtomicBool::new(true)),
    };
    let within = Duration::from_millis(300);
    let probe = FreshnessProbe::new(world.social.clone(), feed, within);
    let report = run_once(&probe, &PLAN, &world.cache, &Shutdown::new()).await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(
        report.remark.as_deref(),
        Some("a like was not visible within 300 ms")
    );
}

/// Makes a post older than the probe lets its post become. Times of posts never change, except for those who ask the
/// trigger to look away.
async fn make_old(world: &World, post: PostId) {
    let mut transaction = world.social.pool().begin().await.unwrap();
    for statement in [
        "SET LOCAL session_replication_role = replica".to_owned(),
        format!(
            "UPDATE posts SET created_at = now() - interval '21 hours' WHERE post_id = '{post}'"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
}
