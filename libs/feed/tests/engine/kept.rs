//! A ranking that completes what was found for the last one finds what a ranking that asks for everything finds.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nova_cache::Overlay;
use nova_domain::UserId;
use nova_feed::{Ask, Budget, FeedConfig, Guards, RankContext, RankedFeed, Shared, rank};
use nova_olap::Olap;
use uuid::Uuid;

use crate::support::engine;
use crate::support::graph::{Postgres, Word};
use crate::support::rows::{FollowRow, LikeRow, PostRow};

const VIEWER: u32 = 0;
/// Authors 1 to this are followed; as many more are not.
const FOLLOWED: u32 = 30;
const AUTHORS: u32 = 60;

fn user(n: u32) -> Uuid {
    Uuid::from_u128(u128::from(n) + 1)
}

fn post(n: u32) -> Uuid {
    Uuid::from_u128(1_000_000 + u128::from(n))
}

/// The author of a post: each in turn, but in no order that the times follow.
fn author(n: u32) -> u32 {
    1 + n * 7 % AUTHORS
}

struct Bench {
    olap: Olap,
    postgres: Postgres,
    config: FeedConfig,
    guards: Guards,
    shared: Shared,
    posts: u32,
}

impl Bench {
    async fn new(olap: Olap, now: DateTime<Utc>) -> Self {
        let mut config = FeedConfig {
            source_deadline: Duration::from_secs(10),
            posts_deadline: Duration::from_secs(10),
            budget: Duration::from_secs(30),
            // Each ranking asks for F2, which may be a quarter of a second old where it is shared: a round may be faster.
            shared: Duration::from_millis(1),
            ..FeedConfig::default()
        };
        // So few that the lists are cut, and that authors leave F3 when others come.
        config.follow.max_posts = 60;
        config.affinity.max_posts = 40;
        config.authors.max_authors = 10;
        // What is liked most; nothing else.
        config.trending.max_posts = 5;
        let follows: Vec<FollowRow> = (1..=FOLLOWED)
            .map(|n| FollowRow {
                follower_id: user(VIEWER),
                followee_id: user(n),
                created_at: now,
                _version: 1,
                _deleted: 0,
            })
            .collect();
        engine::insert(&olap, "follows_cdc", &follows).await;
        Self {
            guards: Guards::new(&config.breaker),
            olap,
            postgres: Postgres {
                up: true,
                ..Postgres::default()
            },
            config,
            shared: Shared::default(),
            posts: 0,
        }
    }

    /// Posts of all authors in turn, and likes of the viewer for those whose numbers say so.
    async fn arrive(&mut self, times: impl Iterator<Item = DateTime<Utc>>, liked: fn(u32) -> bool) {
        let (mut posts, mut likes) = (vec![], vec![]);
        for at in times {
            let n = self.posts;
            self.posts += 1;
            let visibility = match n % 8 {
                1 => "followers",
                2 => "private",
                _ => "public",
            };
            posts.push(PostRow {
                post_id: post(n),
                author_id: user(author(n)),
                caption: "a caption".to_owned(),
                media_url: "https://media.example/1.mp4".to_owned(),
                media_type: "video",
                duration_ms: 1_000,
                visibility,
                created_at: at,
                updated_at: at,
                deleted_at: None,
                _version: 1,
                _deleted: 0,
            });
            if liked(n) {
                likes.push(LikeRow {
                    post_id: post(n),
                    user_id: user(VIEWER),
                    author_id: user(author(n)),
                    created_at: at,
                    _version: 1,
                    _deleted: 0,
                });
            }
            let word = Word {
                visible: true,
                deleted: false,
                blocked: false,
                liked: false,
                visibility,
            };
            self.postgres.words.insert(post(n), word);
        }
        engine::insert(&self.olap, "posts_cdc", &posts).await;
        engine::insert(&self.olap, "likes_cdc", &likes).await;
        engine::recounted(&self.olap).await;
    }

    async fn rank(&self, now: DateTime<Utc>, after: Option<DateTime<Utc>>) -> RankedFeed {
        let context = RankContext {
            olap: &self.olap,
            posts: &self.postgres,
            cache: None,
            config: &self.config,
            shared: after.is_some().then_some(&self.shared),
            guards: &self.guards,
        };
        let ask = Ask {
            viewer: UserId::new(user(VIEWER)),
            now,
            overlay: &Overlay::default(),
            live: true,
            awaited: true,
            standing_ms: after.map(|at| at.timestamp_millis()),
        };
        let budget = Budget::start(&self.config);
        let feed = Box::pin(rank(&context, &ask, &budget)).await.unwrap();
        assert!(feed.degraded.is_empty(), "{:?}", feed.degraded);
        feed
    }
}

#[tokio::test]
async fn what_is_completed_is_what_is_asked_for_as_a_whole() {
    let (olap, _stack) = engine::start().await;
    let start =
        DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap() - TimeDelta::minutes(10);
    let mut bench = Bench::new(olap, start).await;
    let older = (0..395).map(|n| start - TimeDelta::minutes(i64::from(n) * 14));
    bench.arrive(older, |n| n % 9 == 0).await;
    // Nothing is kept yet: it is asked for as a whole.
    let never = DateTime::UNIX_EPOCH;
    let first = bench.rank(start, Some(never)).await;
    assert_eq!(first.items, bench.rank(start, None).await.items);

    let mut last = start;
    for round in 1..=3 {
        let now = start + TimeDelta::seconds(50 * round);
        // Some of them came late: they were made before the last ranking.
        let new = (0..15).map(|n| now - TimeDelta::seconds(9 * n));
        bench.arrive(new, |n| n % 4 == 0).await;
        let completed = bench.rank(now, Some(last)).await;
        let whole = bench.rank(now, None).await;
        assert_eq!(completed.items, whole.items, "round {round}");
        let found = |feed: &RankedFeed| -> Vec<usize> {
            feed.trace.sources.iter().map(|s| s.found).collect()
        };
        assert_eq!(found(&completed), found(&whole), "round {round}");
        last = now;
    }

    // Only what is kept was completed: a post of long ago that arrives now is found by the one that asks for everything.
    let now = last + TimeDelta::seconds(20);
    bench
        .arrive(std::iter::once(now - TimeDelta::minutes(5)), |_| false)
        .await;
    let late = post(bench.posts - 1);
    let has = |feed: &RankedFeed| {
        feed.items
            .iter()
            .any(|i| i.ranked.candidate.post_id.uuid() == late)
    };
    assert!(author(bench.posts - 1) <= FOLLOWED, "of a followed author");
    assert!(!has(&bench.rank(now, Some(last)).await));
    assert!(has(&bench.rank(now, None).await));
    // After three minutes everything is asked for.
    let later = start + TimeDelta::seconds(180);
    assert!(has(&bench.rank(later, Some(now)).await));
}
