//! Feeds ranked before they are asked for.

use chrono::Utc;
use nova_domain::{PostId, Visibility};
use nova_feed::{CursorKey, FeedConfig, FeedPage, FeedService, ServedFrom};
use nova_jobs::jobs::FeedCacheWarmer;
use nova_jobs::{Outcome, UsersConfig};
use nova_testbed::{Server, wait_for};

use crate::world::{PATIENCE, PLAN, World};

fn service(world: &World) -> FeedService {
    let key = CursorKey::derive(b"0123456789abcdef0123456789abcdef");
    FeedService::new(
        world.olap.clone(),
        world.social.clone(),
        Some(world.cache.clone()),
        FeedConfig::default(),
        key,
    )
    .unwrap()
}

fn job(world: &World, users: u32) -> FeedCacheWarmer {
    let config = UsersConfig {
        plan: PLAN,
        users,
        concurrency: 4,
    };
    FeedCacheWarmer::new(
        world.olap.clone(),
        world.cache.clone(),
        service(world),
        config,
    )
}

fn ids(page: &FeedPage) -> Vec<PostId> {
    page.items.iter().map(|item| item.post_id).collect()
}

#[tokio::test]
async fn the_most_active_find_their_feeds_ranked() {
    let world = World::start().await;
    let [author, busy, less, idle] = world.users("user").await;
    for viewer in [busy, less, idle] {
        world.follow(viewer, author).await;
    }
    let mut posts = Vec::new();
    for _ in 0..4 {
        posts.push(world.post(author, Visibility::Public).await);
    }
    world.events(busy, 9).await;
    world.events(less, 3).await;
    world.events(idle, 1).await;

    let report = world.succeed(&job(&world, 2)).await;
    assert_eq!(report.items, 2, "the most active two: {report}");
    // Another process, which remembers nothing.
    let feed = service(&world);
    for (viewer, from) in [
        (busy, ServedFrom::Cache),
        (less, ServedFrom::Cache),
        (idle, ServedFrom::Ranked),
    ] {
        let page = feed.get_personalized_feed(viewer, 0, 20).await.unwrap();
        assert_eq!(page.served_from, from);
        assert_eq!(page.items.len(), 4);
    }
    let report = world.succeed(&job(&world, 3)).await;
    assert_eq!(report.items, 0, "all are warm: {report}");

    // What has gone stale is ranked anew, and a walk goes on where it began.
    let first = feed.get_personalized_feed(busy, 0, 2).await.unwrap();
    let newest = world.post(author, Visibility::Public).await;
    let now = Utc::now().timestamp_millis();
    world.cache.mark_stale(&[busy], now).await.unwrap();
    let report = world.succeed(&job(&world, 3)).await;
    assert_eq!(report.items, 1, "{report}");
    let second = feed.get_personalized_feed(busy, 2, 2).await.unwrap();
    assert_eq!(second.snapshot.id, first.snapshot.id);
    assert!(!ids(&first).iter().any(|id| ids(&second).contains(id)));
    let anew = feed.get_personalized_feed(busy, 0, 20).await.unwrap();
    assert_ne!(anew.snapshot.id, first.snapshot.id);
    assert!(ids(&anew).contains(&newest));
    assert_eq!(anew.served_from, ServedFrom::Cache);
}

#[tokio::test]
async fn servers_that_are_down_fail_the_run() {
    let world = World::start().await;
    let [viewer] = world.users("user").await;
    world.events(viewer, 1).await;
    let job = job(&world, 100);
    world.stack.kill(Server::ClickHouse).await.unwrap();
    let report = world.run(&job).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    world.stack.restart(Server::ClickHouse).await.unwrap();
    wait_for(PATIENCE, async || match world.run(&job).await {
        report if report.outcome == Outcome::Ok => Ok(()),
        report => Err(report.to_string()),
    })
    .await
    .unwrap();
}
