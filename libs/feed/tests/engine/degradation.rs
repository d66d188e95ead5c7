//! What a ranking does when parts of its real servers fail or are late, and when all of one is gone.

use std::collections::HashSet;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use nova_cache::{Cache, Overlay};
use nova_domain::{Candidate, PostId, Source, UserId, Visibility};
use nova_feed::{
    Ask, Budget, Degraded, FeedConfig, Guards, Outcome, Posts, RankContext, RankedFeed,
    Unavailable, rank,
};
use nova_olap::{Olap, SourceLimits};
use nova_social::{PostVerdict, PostView, SocialError, Verdicts};
use nova_testbed::{Server, wait_for};
use uuid::Uuid;

use crate::support::engine;
use crate::support::graph::Facts;
use crate::support::rows::{EventRow, FollowRow, LikeRow, PostRow};

/// Every post is there, and for everybody.
struct Open;

impl Posts for Open {
    async fn verdicts(&self, _: UserId, posts: &[PostId]) -> Result<Verdicts, SocialError> {
        let verdict = PostVerdict {
            visible: true,
            deleted: false,
            blocked: false,
            liked: false,
            visibility: Visibility::Public,
        };
        Ok(Verdicts {
            posts: posts.iter().map(|post| (*post, verdict)).collect(),
            blocks: Some(HashSet::new()),
        })
    }

    async fn hydrate(&self, _: UserId, _: &[PostId]) -> Result<Vec<PostView>, SocialError> {
        unreachable!("a ranking does not hydrate")
    }

    async fn follow_feed(
        &self,
        _: UserId,
        _: DateTime<Utc>,
        _: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        unreachable!("a ranking asks ClickHouse")
    }

    async fn recent_posts_of(
        &self,
        _: &[UserId],
        _: DateTime<Utc>,
        _: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        Ok(Vec::new())
    }
}

/// PostgreSQL that never answers.
#[derive(Default)]
struct Silence {
    asked: AtomicUsize,
}

impl Silence {
    async fn answer<T>(&self) -> T {
        self.asked.fetch_add(1, Ordering::SeqCst);
        pending().await
    }
}

impl Posts for Silence {
    async fn verdicts(&self, _: UserId, _: &[PostId]) -> Result<Verdicts, SocialError> {
        self.answer().await
    }

    async fn hydrate(&self, _: UserId, _: &[PostId]) -> Result<Vec<PostView>, SocialError> {
        self.answer().await
    }

    async fn follow_feed(
        &self,
        _: UserId,
        _: DateTime<Utc>,
        _: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        self.answer().await
    }

    async fn recent_posts_of(
        &self,
        _: &[UserId],
        _: DateTime<Utc>,
        _: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        self.answer().await
    }
}

const VIEWER: Uuid = Uuid::from_u128(1);
const FOLLOWED: Uuid = Uuid::from_u128(2);
const STRANGER: Uuid = Uuid::from_u128(3);
const OF_FOLLOWED: Uuid = Uuid::from_u128(12);
const OF_STRANGER: Uuid = Uuid::from_u128(13);
const SEEN: Uuid = Uuid::from_u128(14);

/// The viewer follows one author, whose post is two days old, likes the post of a stranger, one hour old, and has seen
/// another post of the stranger, a minute old.
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
            post(SEEN, STRANGER, TimeDelta::minutes(1)),
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
            post_id: SEEN,
            author_id: STRANGER,
            dwell_ms: None,
            occurred_at: now,
            received_at: now,
            _version: 4,
        }],
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap()
}

/// Time enough on a loaded machine, but less than what is made late below.
fn patient() -> FeedConfig {
    FeedConfig {
        source_deadline: Duration::from_secs(2),
        posts_deadline: Duration::from_secs(2),
        budget: Duration::from_secs(20),
        ..FeedConfig::default()
    }
}

/// Who is asked, and when.
struct Bench<'a, P> {
    olap: &'a Olap,
    posts: P,
    cache: Option<&'a Cache>,
    config: FeedConfig,
    now: DateTime<Utc>,
}

impl<P: Posts> Bench<'_, P> {
    async fn rank(&self) -> Result<RankedFeed, Unavailable> {
        self.rank_with(&Overlay::default()).await
    }

    async fn rank_with(&self, overlay: &Overlay) -> Result<RankedFeed, Unavailable> {
        let context = RankContext {
            olap: self.olap,
            posts: &self.posts,
            cache: self.cache,
            config: &self.config,
            shared: None,
            guards: &Guards::new(&self.config.breaker),
        };
        let ask = Ask {
            viewer: VIEWER.into(),
            now: self.now,
            overlay,
            live: false,
            awaited: true,
            standing_ms: None,
        };
        rank(&context, &ask, &Budget::start(&self.config)).await
    }
}

async fn run(olap: &Olap, statement: &str) {
    olap.client().query(statement).execute().await.unwrap();
}

fn ids(feed: &RankedFeed) -> Vec<Uuid> {
    let items = feed.items.iter();
    items.map(|i| i.ranked.candidate.post_id.uuid()).collect()
}

fn likes(feed: &RankedFeed, post: Uuid) -> u64 {
    let items = feed.items.iter();
    let item = items
        .map(|i| i.ranked)
        .find(|r| r.candidate.post_id.uuid() == post);
    item.unwrap().features.counts.likes
}

fn outcome(feed: &RankedFeed, source: Source) -> Outcome {
    let mut sources = feed.trace.sources.iter();
    sources
        .find(|trace| trace.source == source)
        .unwrap()
        .outcome
}

#[tokio::test]
async fn what_fails_or_is_late_is_left_out_and_named() {
    let now = now();
    let (olap, stack) = engine::start().await;
    engine::load(&olap, &facts(now)).await;
    let bench = Bench {
        olap: &olap,
        posts: Open,
        cache: None,
        config: patient(),
        now,
    };

    let whole = bench.rank().await.unwrap();
    assert_eq!(ids(&whole), [OF_STRANGER, OF_FOLLOWED, SEEN]);
    assert!(whole.degraded.is_empty(), "{:?}", whole.degraded);
    let first = whole.items[0].ranked;
    assert_eq!(
        first.sources.iter().collect::<Vec<_>>(),
        [Source::Trending, Source::Affinity]
    );
    assert_eq!(
        (first.features.counts.likes, first.features.interactions),
        (1, 1)
    );

    run(&olap, "RENAME TABLE post_engagement TO away").await;
    let feed = bench.rank().await.unwrap();
    assert_eq!(feed.degraded, [Degraded::Source(Source::Trending)]);
    assert_eq!(outcome(&feed, Source::Trending), Outcome::Failed);
    assert_eq!(ids(&feed), [OF_STRANGER, OF_FOLLOWED, SEEN]);
    run(&olap, "RENAME TABLE away TO post_engagement").await;

    run(&olap, "RENAME TABLE post_ranking_scores TO away").await;
    let feed = bench.rank().await.unwrap();
    assert_eq!(feed.degraded, [Degraded::Counts]);
    assert_eq!(likes(&feed, OF_STRANGER), 0);
    run(&olap, "RENAME TABLE away TO post_ranking_scores").await;

    run(&olap, "RENAME TABLE user_author_90d TO away").await;
    let feed = bench.rank().await.unwrap();
    assert_eq!(
        feed.degraded,
        [Degraded::Source(Source::Affinity), Degraded::Interactions]
    );
    assert_eq!(feed.items[0].ranked.features.interactions, 0);
    run(&olap, "RENAME TABLE away TO user_author_90d").await;

    run(&olap, "RENAME TABLE user_impressions_2d TO away").await;
    let feed = bench.rank().await.unwrap();
    assert_eq!(feed.degraded, [Degraded::Seen]);
    assert_eq!(ids(&feed), [OF_STRANGER, SEEN, OF_FOLLOWED]);
    run(&olap, "RENAME TABLE away TO user_impressions_2d").await;

    assert!(bench.rank().await.unwrap().degraded.is_empty());

    // Slower than the deadline: each post of an author sleeps.
    run(&olap, "ALTER TABLE posts_by_author DROP COLUMN hidden").await;
    run(
        &olap,
        "ALTER TABLE posts_by_author ADD COLUMN hidden UInt8 ALIAS sleepEachRow(2.9)",
    )
    .await;
    let feed = bench.rank().await.unwrap();
    let late = [Source::Follow, Source::Affinity].map(Degraded::Source);
    assert_eq!(feed.degraded, late);
    assert_eq!(outcome(&feed, Source::Follow), Outcome::Late);
    assert_eq!(ids(&feed), [OF_STRANGER, SEEN]);
    assert!(
        feed.timings.clickhouse < Duration::from_secs(10),
        "{:?}",
        feed.timings
    );

    // The others answer, and have nothing: that is no empty feed.
    run(&olap, "TRUNCATE TABLE post_engagement").await;
    run(&olap, "TRUNCATE TABLE user_author_90d").await;
    let error = bench.rank().await.unwrap_err();
    assert!(matches!(error, Unavailable::Sources), "{error:?}");

    stack.kill(Server::ClickHouse).await.unwrap();
    let error = bench.rank().await.unwrap_err();
    assert!(matches!(error, Unavailable::Sources), "{error:?}");
}

#[tokio::test]
async fn a_silent_postgresql_leaves_what_is_safe() {
    let now = now();
    let (olap, stack) = engine::start_with(&[Server::ClickHouse, Server::Redis]).await;
    engine::load(&olap, &facts(now)).await;
    let cache = engine::cache(&stack);
    let mut bench = Bench {
        olap: &olap,
        posts: Silence::default(),
        cache: None,
        config: FeedConfig {
            posts_deadline: Duration::from_millis(300),
            ..patient()
        },
        now,
    };
    // Nobody knows of blocks: only whom the viewer follows.
    let started = Instant::now();
    let feed = bench.rank().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(ids(&feed), [OF_FOLLOWED]);
    assert_eq!(feed.degraded, [Degraded::Posts]);
    assert_eq!(feed.blocks, None);
    assert_eq!(feed.items[0].visibility, Visibility::Followers);

    // Redis knows them, and what was deleted.
    bench.cache = Some(&cache);
    let viewer = UserId::new(VIEWER);
    cache.store_blocks(viewer, &HashSet::new()).await.unwrap();
    let feed = bench.rank().await.unwrap();
    assert_eq!(ids(&feed), [OF_STRANGER, OF_FOLLOWED, SEEN]);
    assert_eq!(feed.degraded, [Degraded::Posts]);
    cache
        .apply_deleted(&[(OF_STRANGER.into(), true, 9)])
        .await
        .unwrap();
    assert_eq!(ids(&bench.rank().await.unwrap()), [OF_FOLLOWED, SEEN]);
    let blocks = HashSet::from([UserId::new(STRANGER)]);
    cache.store_blocks(viewer, &blocks).await.unwrap();
    let feed = bench.rank().await.unwrap();
    assert_eq!(ids(&feed), [OF_FOLLOWED]);

    // A follow and a block of just now: the first cannot be served, the second is.
    let mut overlay = Overlay::default();
    overlay.follows.insert(STRANGER.into(), true);
    overlay.blocks.insert(FOLLOWED.into(), true);
    let asked = bench.posts.asked.load(Ordering::SeqCst);
    let feed = bench.rank_with(&overlay).await.unwrap();
    assert!(feed.items.is_empty());
    assert_eq!(feed.degraded, [Degraded::Posts]);
    // Asked for posts of the new follow it did not answer: that is told, and it is not waited for again.
    assert_eq!(bench.posts.asked.load(Ordering::SeqCst), asked + 1);
}

#[tokio::test]
async fn a_like_is_never_nothing_because_redis_forgot_or_is_gone() {
    let now = now();
    let (olap, stack) = engine::start_with(&[Server::ClickHouse, Server::Redis]).await;
    engine::load(&olap, &facts(now)).await;
    let cache = engine::cache(&stack);
    let bench = Bench {
        olap: &olap,
        posts: Open,
        cache: Some(&cache),
        config: patient(),
        now,
    };
    let counts = |feed: &RankedFeed| (feed.trace.counts.redis, feed.trace.counts.clickhouse);
    let feed = bench.rank().await.unwrap();
    assert_eq!((likes(&feed, OF_STRANGER), counts(&feed)), (1, (0, 3)));
    let feed = bench.rank().await.unwrap();
    assert_eq!((likes(&feed, OF_STRANGER), counts(&feed)), (1, (3, 0)));

    // What was left there yields to whatever the projector writes.
    let newer = nova_domain::PostCounts {
        post: OF_STRANGER.into(),
        likes: 5,
        comments: 0,
        version: 1,
    };
    assert_eq!(cache.apply_counts(&[newer]).await.unwrap(), 1);
    assert_eq!(likes(&bench.rank().await.unwrap(), OF_STRANGER), 5);

    stack.restart(Server::Redis).await.unwrap();
    stack.wait_ready(Server::Redis).await.unwrap();
    let feed = wait_for(Duration::from_secs(30), async || {
        let feed = bench.rank().await.unwrap();
        // Exact in the meantime too.
        assert_eq!(likes(&feed, OF_STRANGER), 1);
        if feed.degraded.is_empty() {
            Ok(feed)
        } else {
            Err(format!("{:?}", feed.degraded))
        }
    })
    .await
    .unwrap();
    assert_eq!(likes(&feed, OF_STRANGER), 1);

    stack.kill(Server::Redis).await.unwrap();
    let feed = bench.rank().await.unwrap();
    assert_eq!(feed.degraded, [Degraded::Cache]);
    assert_eq!((likes(&feed, OF_STRANGER), counts(&feed)), (1, (0, 3)));
    // Neither knows the counts.
    run(&olap, "RENAME TABLE post_ranking_scores TO away").await;
    let feed = bench.rank().await.unwrap();
    assert_eq!(feed.degraded, [Degraded::Counts, Degraded::Cache]);
}
