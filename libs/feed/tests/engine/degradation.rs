//! What a viewer gets when parts of a real ClickHouse fail or are late, and when all of it is gone.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::{MediaType, PostId, Source, UserId, Visibility};
use nova_feed::{
    Degraded, FeedConfig, FeedError, FeedPage, FeedService, Outcome, Posts, Unavailable,
};
use nova_olap::Olap;
use nova_social::{PostView, SocialError};
use nova_testbed::Server;
use uuid::Uuid;

use crate::support::engine;
use crate::support::graph::Facts;
use crate::support::rows::{EventRow, FollowRow, LikeRow, PostRow};

/// Every post of the facts, visible to everybody.
struct Shelf(HashMap<PostId, PostView>);

impl Posts for Shelf {
    async fn visible_posts(
        &self,
        _viewer: UserId,
        posts: &[PostId],
    ) -> Result<HashSet<PostId>, SocialError> {
        Ok(posts
            .iter()
            .copied()
            .filter(|post| self.0.contains_key(post))
            .collect())
    }

    async fn hydrate(
        &self,
        _viewer: UserId,
        posts: &[PostId],
    ) -> Result<Vec<PostView>, SocialError> {
        Ok(posts
            .iter()
            .filter_map(|post| self.0.get(post).cloned())
            .collect())
    }
}

/// PostgreSQL that never answers.
struct Silence;

impl Posts for Silence {
    async fn visible_posts(
        &self,
        _viewer: UserId,
        _posts: &[PostId],
    ) -> Result<HashSet<PostId>, SocialError> {
        std::future::pending().await
    }

    async fn hydrate(
        &self,
        _viewer: UserId,
        _posts: &[PostId],
    ) -> Result<Vec<PostView>, SocialError> {
        std::future::pending().await
    }
}

const VIEWER: Uuid = Uuid::from_u128(1);
const FOLLOWED: Uuid = Uuid::from_u128(2);
const STRANGER: Uuid = Uuid::from_u128(3);
const OF_FOLLOWED: Uuid = Uuid::from_u128(12);
const OF_STRANGER: Uuid = Uuid::from_u128(13);

/// The viewer follows one author, whose post is two days old, and likes the post of a stranger, one hour old.
fn facts(now: DateTime<Utc>) -> Facts {
    let post = |post_id, author_id, age: TimeDelta| PostRow {
        post_id,
        author_id,
        caption: "a caption".to_owned(),
        media_url: "https://media.example/1.mp4".to_owned(),
        media_type: "video",
        duration_ms: 1_000,
        visibility: "public",
        created_at: now - age,
        updated_at: now - age,
        deleted_at: None,
        _version: 1,
        _deleted: 0,
    };
    Facts {
        posts: vec![
            post(OF_FOLLOWED, FOLLOWED, TimeDelta::hours(48)),
            post(OF_STRANGER, STRANGER, TimeDelta::hours(1)),
        ],
        follows: vec![FollowRow {
            follower_id: VIEWER,
            followee_id: FOLLOWED,
            created_at: now,
            _version: 2,
            _deleted: 0,
        }],
        likes: vec![LikeRow {
            post_id: OF_STRANGER,
            user_id: VIEWER,
            author_id: STRANGER,
            created_at: now,
            _version: 3,
            _deleted: 0,
        }],
        comments: vec![],
        events: vec![EventRow {
            event_id: Uuid::from_u128(40),
            user_id: VIEWER,
            event_type: "impression",
            post_id: OF_STRANGER,
            author_id: STRANGER,
            dwell_ms: None,
            occurred_at: now,
            received_at: now,
            _version: 4,
        }],
    }
}

fn shelf(facts: &Facts) -> Shelf {
    let view = |post: &PostRow| PostView {
        post_id: post.post_id.into(),
        author_id: post.author_id.into(),
        caption: post.caption.clone(),
        media_url: post.media_url.clone(),
        media_type: MediaType::Video,
        duration_ms: post.duration_ms,
        visibility: Visibility::Public,
        created_at: post.created_at,
        liked: false,
    };
    Shelf(
        facts
            .posts
            .iter()
            .map(|p| (PostId::new(p.post_id), view(p)))
            .collect(),
    )
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap()
}

async fn run(olap: &Olap, statement: &str) {
    olap.client().query(statement).execute().await.unwrap();
}

fn ids(page: &FeedPage) -> Vec<Uuid> {
    page.items.iter().map(|item| item.post_id.uuid()).collect()
}

fn outcome(page: &FeedPage, source: Source) -> Outcome {
    page.trace
        .sources
        .iter()
        .find(|trace| trace.source == source)
        .unwrap()
        .outcome
}

#[tokio::test]
async fn what_fails_or_is_late_is_left_out_and_named() {
    let now = now();
    let facts = facts(now);
    let (olap, stack) = engine::start().await;
    engine::load(&olap, &facts).await;
    // Time enough on a loaded machine, but less than the source that is made late below.
    let config = FeedConfig {
        source_deadline: Duration::from_secs(2),
        budget: Duration::from_secs(20),
        ..FeedConfig::default()
    };
    let service = FeedService::new(olap.clone(), shelf(&facts), config).unwrap();
    let feed = async || {
        service
            .get_personalized_feed_at(VIEWER.into(), 0, 20, now)
            .await
    };

    let whole = feed().await.unwrap();
    assert_eq!(ids(&whole), [OF_STRANGER, OF_FOLLOWED]);
    assert!(whole.degraded.is_empty(), "{:?}", whole.degraded);
    assert_eq!(
        whole.items[0].sources.iter().collect::<Vec<_>>(),
        [Source::Trending, Source::Affinity]
    );
    assert_eq!(
        (
            whole.items[0].counts.likes,
            whole.items[0].ranked.features.interactions
        ),
        (1, 1)
    );

    let second = service
        .get_personalized_feed_at(VIEWER.into(), 1, 1, now)
        .await
        .unwrap();
    assert_eq!(ids(&second), [OF_FOLLOWED]);

    run(&olap, "RENAME TABLE post_engagement TO away").await;
    let page = feed().await.unwrap();
    assert_eq!(page.degraded, [Degraded::Source(Source::Trending)]);
    assert_eq!(outcome(&page, Source::Trending), Outcome::Failed);
    assert_eq!(ids(&page), [OF_STRANGER, OF_FOLLOWED]);
    assert_eq!(
        page.items[0].sources.iter().collect::<Vec<_>>(),
        [Source::Affinity]
    );
    run(&olap, "RENAME TABLE away TO post_engagement").await;

    run(&olap, "RENAME TABLE post_ranking_scores TO away").await;
    let page = feed().await.unwrap();
    assert_eq!(page.degraded, [Degraded::Counts]);
    assert_eq!(page.items[0].counts.likes, 0);
    assert_eq!(ids(&page), [OF_STRANGER, OF_FOLLOWED]);
    run(&olap, "RENAME TABLE away TO post_ranking_scores").await;

    run(&olap, "RENAME TABLE user_author_90d TO away").await;
    let page = feed().await.unwrap();
    assert_eq!(
        page.degraded,
        [Degraded::Source(Source::Affinity), Degraded::Interactions]
    );
    assert_eq!(page.items[0].ranked.features.interactions, 0);
    run(&olap, "RENAME TABLE away TO user_author_90d").await;

    assert!(feed().await.unwrap().degraded.is_empty());

    // Slower than the deadline: ten blocks of one row, each of which sleeps for a second.
    run(
        &olap,
        "CREATE OR REPLACE VIEW feed_recent_follows AS \
         SELECT generateUUIDv4() AS post_id, {viewer:UUID} AS author_id, {now:DateTime64(6, 'UTC')} AS created_at \
         FROM system.numbers WHERE sleepEachRow(1) = 0 AND {window_hours:UInt32} > 0 LIMIT {max_posts:UInt32} \
         SETTINGS max_block_size = 1",
    )
    .await;
    let page = feed().await.unwrap();
    assert_eq!(page.degraded, [Degraded::Source(Source::Follow)]);
    assert_eq!(outcome(&page, Source::Follow), Outcome::Late);
    assert_eq!(ids(&page), [OF_STRANGER]);
    assert!(
        page.timings.clickhouse < Duration::from_secs(10),
        "{:?}",
        page.timings
    );

    stack.kill(Server::ClickHouse).await.unwrap();
    let error = feed().await.unwrap_err();
    assert!(
        matches!(error, FeedError::Unavailable(Unavailable::Sources)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_silent_postgresql_ends_the_feed_within_its_budget() {
    let now = now();
    let (olap, _stack) = engine::start().await;
    engine::load(&olap, &facts(now)).await;
    let config = FeedConfig {
        source_deadline: Duration::from_secs(1),
        budget: Duration::from_secs(2),
        ..FeedConfig::default()
    };
    let service = FeedService::new(olap, Silence, config).unwrap();
    let started = std::time::Instant::now();
    let error = service
        .get_personalized_feed_at(VIEWER.into(), 0, 20, now)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FeedError::Unavailable(Unavailable::Late { .. })),
        "{error:?}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_limit_out_of_range_is_refused_before_anything_is_asked() {
    let nowhere = nova_olap::OlapConfig::from_url(&"http://127.0.0.1:1".parse().unwrap()).unwrap();
    let service = FeedService::new(Olap::new(&nowhere), Silence, FeedConfig::default()).unwrap();
    for limit in [0, 101, u32::MAX] {
        let error = service
            .get_personalized_feed(VIEWER.into(), 0, limit)
            .await
            .unwrap_err();
        assert!(
            matches!(error, FeedError::Limit { given } if given == limit),
            "{error:?}"
        );
    }
    let error = service
        .get_personalized_feed(VIEWER.into(), u32::MAX, 20)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FeedError::Unavailable(Unavailable::Sources)),
        "{error:?}"
    );
}
