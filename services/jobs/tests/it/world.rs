//! PostgreSQL, ClickHouse and Redis with the schema, and hands to fill them with. There is no pipeline between them here: a
//! test puts each fact where it needs it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clickhouse::{Row, RowOwned, RowWrite};
use nova_cache::{Cache, CacheConfig};
use nova_domain::{Caption, DisplayName, Handle, MediaType, NewPost, PostId, UserId, Visibility};
use nova_feed::discovery::{Discovery, Popular, SuggestConfig};
use nova_jobs::{Job, Outcome, Plan, Report, run_once};
use nova_olap::{Olap, OlapConfig, schema};
use nova_ranking::FormulaConfig;
use nova_runtime::Shutdown;
use nova_social::{PoolConfig, Social};
use nova_testbed::{Server, Stack, wait_for};
use serde::Serialize;
use uuid::Uuid;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PLAN: Plan = Plan {
    enabled: true,
    interval: Duration::from_secs(60),
    deadline: Duration::from_secs(30),
};

pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) social: Social,
    pub(crate) olap: Olap,
    pub(crate) cache: Cache,
    pub(crate) discovery: Discovery,
}

#[derive(Row, Serialize)]
struct PostRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    caption: &'static str,
    media_url: &'static str,
    media_type: &'static str,
    duration_ms: u32,
    visibility: &'static str,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    updated_at: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros::option")]
    deleted_at: Option<DateTime<Utc>>,
    _version: u64,
    _deleted: u8,
}

#[derive(Row, Serialize)]
struct LikeRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    user_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
    _version: u64,
    _deleted: u8,
}

#[derive(Row, Serialize)]
struct FollowRow {
    #[serde(with = "clickhouse::serde::uuid")]
    follower_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    followee_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
    _version: u64,
    _deleted: u8,
}

#[derive(Row, Serialize)]
struct EventRow {
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    user_id: Uuid,
    event_type: &'static str,
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    dwell_ms: Option<u32>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    occurred_at: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    received_at: DateTime<Utc>,
    _version: u64,
}

impl World {
    pub(crate) async fn start() -> Self {
        let stack = Stack::builder()
            .servers(&[Server::Postgres, Server::ClickHouse, Server::Redis])
            .start()
            .await
            .unwrap();
        let endpoints = stack.endpoints();
        let pool = PoolConfig::default()
            .connect_lazy(&endpoints.postgres)
            .unwrap();
        nova_social::migrate(&pool, "a password").await.unwrap();
        let social = Social::new(pool);
        let olap =
            Olap::new(&OlapConfig::from_url(&endpoints.clickhouse.parse().unwrap()).unwrap());
        schema::apply(&olap).await.unwrap();
        let cache = Cache::new(&CacheConfig::new(endpoints.redis.parse().unwrap())).unwrap();
        let discovery = Discovery {
            olap: olap.clone(),
            social: social.clone(),
            cache: Some(cache.clone()),
            formula: FormulaConfig::default(),
            popular: Popular::default(),
            // Time enough on a loaded machine.
            suggest: SuggestConfig {
                deadline: Duration::from_secs(5),
                budget: Duration::from_secs(20),
                ..SuggestConfig::default()
            },
        };
        wait_for(PATIENCE, async || {
            cache.ping().await.map_err(|error| error.to_string())
        })
        .await
        .unwrap();
        Self {
            stack,
            social,
            olap,
            cache,
            discovery,
        }
    }

    pub(crate) async fn run(&self, job: &dyn Job) -> Report {
        run_once(job, &PLAN, &self.cache, &Shutdown::new()).await
    }

    /// A run that has to succeed.
    pub(crate) async fn succeed(&self, job: &dyn Job) -> Report {
        let report = self.run(job).await;
        assert_eq!(report.outcome, Outcome::Ok, "{report}");
        report
    }

    pub(crate) async fn user(&self, handle: &str) -> UserId {
        let user = UserId::generate();
        let name = DisplayName::parse(handle.to_uppercase()).unwrap();
        self.social
            .upsert_profile(user, &Handle::parse(handle).unwrap(), &name)
            .await
            .unwrap();
        user
    }

    pub(crate) async fn users<const N: usize>(&self, prefix: &str) -> [UserId; N] {
        let mut users = Vec::new();
        for n in 0..N {
            users.push(self.user(&format!("{prefix}_{n:03}")).await);
        }
        users.try_into().unwrap()
    }

    /// A follow in both databases.
    pub(crate) async fn follow(&self, follower: UserId, followee: UserId) {
        self.social.follow(follower, followee).await.unwrap();
        let row = FollowRow {
            follower_id: follower.uuid(),
            followee_id: followee.uuid(),
            created_at: Utc::now(),
            _version: 1,
            _deleted: 0,
        };
        self.insert("follows_cdc", [row]).await;
    }

    /// A post in both databases.
    pub(crate) async fn post(&self, author: UserId, visibility: Visibility) -> PostId {
        let new = NewPost {
            caption: Caption::parse("a caption").unwrap(),
            media_url: "https://media.example/1.mp4".parse().unwrap(),
            media_type: MediaType::Video,
            duration_ms: 15_000,
            visibility,
        };
        let created = self.social.create_post(author, &new, None).await.unwrap();
        let row = PostRow {
            post_id: created.value.post_id.uuid(),
            author_id: author.uuid(),
            caption: "a caption",
            media_url: "https://media.example/1.mp4",
            media_type: "video",
            duration_ms: 15_000,
            visibility: visibility.as_str(),
            created_at: created.value.created_at,
            updated_at: created.value.created_at,
            deleted_at: None,
            _version: 1,
            _deleted: 0,
        };
        self.insert("posts_cdc", [row]).await;
        created.value.post_id
    }

    /// Likes of one post in both databases.
    pub(crate) async fn like(&self, users: &[UserId], post: PostId, author: UserId) {
        let mut rows = Vec::new();
        for user in users {
            self.social.like(*user, post).await.unwrap();
            rows.push(LikeRow {
                post_id: post.uuid(),
                user_id: user.uuid(),
                author_id: author.uuid(),
                created_at: Utc::now() - TimeDelta::minutes(1),
                _version: 1,
                _deleted: 0,
            });
        }
        self.insert("likes_cdc", rows).await;
    }

    /// Client events, which make a user active.
    pub(crate) async fn events(&self, user: UserId, count: usize) {
        let now = DateTime::from_timestamp_millis(Utc::now().timestamp_millis()).unwrap();
        let rows: Vec<EventRow> = (0..count)
            .map(|_| EventRow {
                event_id: Uuid::now_v7(),
                user_id: user.uuid(),
                event_type: "view",
                post_id: Uuid::now_v7(),
                author_id: Uuid::now_v7(),
                dwell_ms: None,
                occurred_at: now,
                received_at: now,
                _version: 1,
            })
            .collect();
        self.insert("events_raw", rows).await;
    }

    async fn insert<T: RowOwned + RowWrite>(&self, table: &str, rows: impl IntoIterator<Item = T>) {
        let mut insert = self.olap.client().insert::<T>(table).await.unwrap();
        for row in rows {
            insert.write(&row).await.unwrap();
        }
        insert.end().await.unwrap();
    }

    /// Waits for a recount of this name that began after now by the server's clock.
    pub(crate) async fn recounted(&self, name: &str) {
        let now = self
            .number("SELECT toUnixTimestamp64Milli(now64(3, 'UTC'))")
            .await;
        let last = format!(
            "SELECT toUnixTimestamp64Milli(max(at)) FROM recount_watermarks WHERE startsWith(name, '{name}')"
        );
        let refresh = format!("SYSTEM REFRESH VIEW mv_{name}");
        self.olap.client().query(&refresh).execute().await.unwrap();
        wait_for(PATIENCE, async || {
            let last = self.number(&last).await;
            if last > now {
                Ok(())
            } else {
                Err(format!("the last recount began {} ms before", now - last))
            }
        })
        .await
        .unwrap();
    }

    pub(crate) async fn number(&self, query: &str) -> i64 {
        self.olap.client().query(query).fetch_one().await.unwrap()
    }

    /// A connection to Redis for what only tests do: look at a key as it is.
    pub(crate) async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.stack.endpoints().redis.as_str()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }
}
