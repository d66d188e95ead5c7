//! A viewer who follows thousands.

use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_cache::{Cache, Overlay};
use nova_domain::{PostId, UserId};
use nova_feed::{Ask, Budget, FeedConfig, Guards, RankContext, RankedFeed, rank};
use nova_olap::Olap;
use uuid::Uuid;

use crate::support::brute::Post;
use crate::support::engine;
use crate::support::graph::{Postgres, Word};

const FOLLOWED: u32 = 2_500;
const POSTS_EACH: u32 = 20;

fn user(n: u32) -> UserId {
    UserId::new(Uuid::from_u128(u128::from(n) + 1))
}

/// Statement by statement: the viewer is user 0; everybody else posts every half an hour, in turn, and is liked.
fn statements(now: DateTime<Utc>) -> Vec<String> {
    let uuid = |n: &str| {
        format!(
            "toUUID(concat('00000000-0000-0000-0000-', leftPad(lower(hex(toUInt64({n}))), 12, '0')))"
        )
    };
    let now = format!(
        "fromUnixTimestamp64Micro({}, 'UTC')",
        now.timestamp_micros()
    );
    let author = uuid(&format!("1 + number % {FOLLOWED} + 1"));
    let post = uuid("1000000 + number");
    let posts = FOLLOWED * POSTS_EACH;
    vec![
        format!(
            "INSERT INTO posts_cdc SELECT {post}, {author}, 'a caption', 'https://media.example/1.mp4', 'video', 1000, \
             'public', {now} - toIntervalSecond(number * 4), {now}, NULL, 1, 0 FROM numbers({posts})"
        ),
        format!(
            "INSERT INTO follows_cdc SELECT {}, {}, {now}, 1, 0 FROM numbers({FOLLOWED})",
            uuid("1"),
            uuid("number + 2"),
        ),
        // 10 likes and 20 impressions each.
        format!(
            "INSERT INTO likes_cdc SELECT {}, {}, {}, {now}, 1, 0 FROM numbers({posts} * 10)",
            uuid(&format!("1000000 + number % {posts}")),
            uuid(&format!("5000000 + intDiv(number, {posts})")),
            uuid(&format!("1 + (number % {posts}) % {FOLLOWED} + 1")),
        ),
        format!(
            "INSERT INTO events_raw SELECT {}, {}, 'impression', {}, {}, NULL, {now}, {now}, 1 FROM numbers({posts} * 20)",
            uuid("9000000 + number"),
            uuid(&format!("5000000 + intDiv(number, {posts})")),
            uuid(&format!("1000000 + number % {posts}")),
            uuid(&format!("1 + (number % {posts}) % {FOLLOWED} + 1")),
        ),
        // The viewer likes posts of a few and has seen the newest.
        format!(
            "INSERT INTO likes_cdc SELECT {}, {}, {}, {now}, 2, 0 FROM numbers(600)",
            uuid("1000000 + number * 7"),
            uuid("1"),
            uuid(&format!("1 + (number * 7) % {FOLLOWED} + 1")),
        ),
        format!(
            "INSERT INTO events_raw SELECT {}, {}, 'impression', {}, {}, NULL, {now}, {now}, 1 FROM numbers(100)",
            uuid("90000000 + number"),
            uuid("1"),
            uuid("1000000 + number"),
            uuid(&format!("1 + number % {FOLLOWED} + 1")),
        ),
    ]
}

/// Everything may be seen.
fn postgres(now: DateTime<Utc>) -> Postgres {
    let word = Word {
        visible: true,
        deleted: false,
        blocked: false,
        liked: false,
        visibility: "public",
    };
    let ids = (0..FOLLOWED * POSTS_EACH).map(|n| Uuid::from_u128(1_000_000 + u128::from(n)));
    let fresh = Post {
        post_id: Uuid::from_u128(77),
        author_id: user(FOLLOWED + 10).uuid(),
        created_at: now,
    };
    Postgres {
        up: true,
        words: ids.chain([fresh.post_id]).map(|id| (id, word)).collect(),
        posts: vec![fresh],
        ..Postgres::default()
    }
}

struct Bench {
    olap: Olap,
    postgres: Postgres,
    config: FeedConfig,
    guards: Guards,
    now: DateTime<Utc>,
}

impl Bench {
    async fn new(olap: Olap) -> Self {
        let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
        for statement in statements(now) {
            let load = olap.client().query(&statement);
            load.execute().await.unwrap();
        }
        engine::recounted(&olap).await;
        let config = FeedConfig {
            source_deadline: Duration::from_secs(10),
            posts_deadline: Duration::from_secs(10),
            budget: Duration::from_secs(30),
            ..FeedConfig::default()
        };
        Self {
            olap,
            postgres: postgres(now),
            guards: Guards::new(&config.breaker),
            config,
            now,
        }
    }

    async fn rank(&self, cache: Option<&Cache>, overlay: &Overlay) -> RankedFeed {
        let context = RankContext {
            olap: &self.olap,
            posts: &self.postgres,
            cache,
            config: &self.config,
            shared: None,
            guards: &self.guards,
        };
        let ask = Ask {
            viewer: user(0),
            now: self.now,
            overlay,
            live: false,
            awaited: true,
            standing_ms: None,
        };
        rank(&context, &ask, &Budget::start(&self.config))
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn thousands_of_followed_authors() {
    let (olap, _stack) = engine::start().await;
    let bench = Bench::new(olap).await;
    let feed = bench.rank(None, &Overlay::default()).await;
    assert!(feed.degraded.is_empty(), "{:?}", feed.degraded);
    let found: Vec<usize> = feed.trace.sources.iter().map(|s| s.found).collect();
    assert_eq!(found, [500, 200, 200]);
    assert!(feed.items.len() > 500);
    // The 100 newest were seen.
    let posts: Vec<u128> = feed
        .items
        .iter()
        .map(|i| i.ranked.candidate.post_id.uuid().as_u128() - 1_000_000)
        .collect();
    let seen = posts.len() - 100;
    assert!(posts[..seen].iter().all(|n| *n >= 100));
    assert!(posts[seen..].iter().all(|n| *n < 100));
    for window in feed.items.windows(10) {
        let last = window[9].ranked.candidate.author_id;
        let same = window
            .iter()
            .filter(|i| i.ranked.candidate.author_id == last);
        assert!(same.count() <= 2);
    }

    // One more author, followed just now, whose post ClickHouse does not have: the oldest of F1 makes room.
    let mut overlay = Overlay::default();
    overlay.follows.insert(user(FOLLOWED + 10), true);
    overlay.follows.insert(user(1), false);
    let feed = bench.rank(None, &overlay).await;
    let new = PostId::new(Uuid::from_u128(77));
    assert!(feed.items.iter().any(|i| i.ranked.candidate.post_id == new));
    assert_eq!(feed.trace.sources[0].found, 500);
}
