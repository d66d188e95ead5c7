//! A small population, loaded beside the change stream of a real stack: PostgreSQL, Kafka, Connect with Debezium,
//! ClickHouse, and Redis.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in helpers of tests; clippy exempts only the tests themselves"
)]

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use nova_cache::{Cache, CacheConfig, CacheError, PostRow};
use nova_domain::{EventCounts, PostId};
use nova_olap::{Olap, OlapConfig, schema};
use nova_simulate::bulk::{
    Backends, BulkError, BulkOptions, BulkReport, Side, Size, Unseeded, run_with_counters,
};
use nova_social::load::{LoadError, Loader, Way};
use nova_social::{PoolConfig, migrate};
use nova_stream::connector::{ConnectClient, DEFINITION, Definition};
use nova_stream::topics;
use nova_testbed::{Server, Stack, wait_for};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use sqlx::{AssertSqlSafe, PgPool};

const SIZE: Size = Size {
    users: 300,
    posts: 1_000,
    follows: 4_000,
    likes: 10_000,
    comments: 1_000,
    events: 10_000,
};

/// Whose post is there before the load.
const PROBE: &str = "0190b5a0-0000-7000-8000-000000000001";

const LIMIT: Duration = Duration::from_secs(20);

struct World {
    stack: Stack,
    postgres: PgPool,
    olap: Olap,
    cache: Cache,
}

impl World {
    async fn start() -> Self {
        let servers = [
            Server::Postgres,
            Server::Kafka,
            Server::Connect,
            Server::ClickHouse,
            Server::Redis,
        ];
        let stack = Stack::builder().servers(&servers).start().await.unwrap();
        let endpoints = stack.endpoints();
        let postgres = PoolConfig {
            statement_timeout: LIMIT,
            ..PoolConfig::default()
        }
        .connect_lazy(&endpoints.postgres)
        .unwrap();
        let environment: BTreeMap<_, _> = stack.nova_environment().into_iter().collect();
        migrate(&postgres, &environment["NOVA_CDC_PASSWORD"])
            .await
            .unwrap();
        topics::ensure(&endpoints.kafka).await.unwrap();
        let clickhouse = endpoints.clickhouse.parse().unwrap();
        let olap = Olap::new(&OlapConfig::from_url(&clickhouse).unwrap());
        schema::apply(&olap).await.unwrap();
        let cache = Cache::new(&CacheConfig {
            // What is tested is not the load of the machine.
            response_timeout: Duration::from_secs(2),
            ..CacheConfig::new(endpoints.redis.parse().unwrap())
        })
        .unwrap();
        let connect = ConnectClient::new(endpoints.connect.parse().unwrap()).unwrap();
        connect
            .apply(&Definition::parse(DEFINITION).unwrap(), LIMIT)
            .await
            .unwrap();
        Self {
            stack,
            postgres,
            olap,
            cache,
        }
    }

    async fn load(&self, seed: u64, append: bool) -> Result<BulkReport, BulkError> {
        self.load_of(SIZE, seed, append).await
    }

    async fn load_of(&self, size: Size, seed: u64, append: bool) -> Result<BulkReport, BulkError> {
        let options = BulkOptions {
            scale: "test".to_owned(),
            size,
            seed,
            base: None,
            append,
            unheeded: vec![PROBE.parse().unwrap()],
            slice_rows: 400,
            quiet: true,
        };
        let backends = Backends {
            loader: Loader::connect(&self.postgres, Way::Beside).await?,
            olap: self.olap.clone(),
            events: None,
        };
        run_with_counters(&options, backends, Some(&self.cache)).await
    }

    /// A command behind the cache's back.
    async fn redis(&self, words: &[&str]) {
        let client = redis::Client::open(self.stack.endpoints().redis.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        let _: redis::Value = command.query_async(&mut connection).await.unwrap();
    }

    async fn sql(&self, statement: &str) -> u64 {
        sqlx::query(AssertSqlSafe(statement.to_owned()))
            .execute(&self.postgres)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"))
            .rows_affected()
    }

    /// One text from PostgreSQL.
    async fn text(&self, query: &str) -> String {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_one(&self.postgres)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Rows of texts, sorted, from PostgreSQL.
    async fn rows(&self, query: &str) -> Vec<String> {
        let mut rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_all(&self.postgres)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.sort_unstable();
        rows
    }

    /// Rows of texts, sorted, from ClickHouse.
    async fn facts(&self, query: &str) -> Vec<String> {
        let fetched = self.olap.client().query(query).fetch_all().await;
        let mut rows: Vec<String> = fetched.unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.sort_unstable();
        rows
    }

    async fn number(&self, query: &str) -> u64 {
        let fetched = self.olap.client().query(query).fetch_one().await;
        fetched.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    async fn becomes(&self, query: &str, expected: u64) {
        wait_for(LIMIT, async || {
            let found = self.number(query).await;
            if found == expected {
                Ok(())
            } else {
                Err(format!("{query}: {found} instead of {expected}"))
            }
        })
        .await
        .unwrap();
    }

    /// Messages in each topic of changes, ever.
    fn messages(&self) -> BTreeMap<&'static str, i64> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.stack.endpoints().kafka)
            .create()
            .unwrap();
        topics::DATA_TOPICS
            .into_iter()
            .map(|topic| {
                let ends = (0..topics::DATA_PARTITIONS).map(|partition| {
                    consumer
                        .fetch_watermarks(topic, partition, LIMIT)
                        .unwrap()
                        .1
                });
                (topic, ends.sum())
            })
            .collect()
    }

    /// What is published, and what the tables are guarded and found by.
    async fn definitions(&self) -> Vec<String> {
        self.rows(
            "SELECT 'publishes ' || tablename FROM pg_publication_tables WHERE pubname = 'nova_cdc' \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'simulated%' \
             UNION ALL SELECT conname FROM pg_constraint WHERE conrelid::regclass::text NOT LIKE 'simulated%'",
        )
        .await
    }
}

/// The same rows, column by column, in both.
async fn assert_same_rows(world: &World) {
    for (rows, facts) in [
        (
            "SELECT concat_ws('|', post_id, author_id, caption, media_url, media_type, duration_ms, visibility, \
             to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US'), deleted_at IS NOT NULL) FROM posts",
            "SELECT concat(toString(post_id), '|', toString(author_id), '|', caption, '|', media_url, '|', media_type, '|', \
             toString(duration_ms), '|', visibility, '|', toString(created_at), '|', if(deleted_at IS NULL, 'f', 't')) \
             FROM posts_cdc FINAL",
        ),
        (
            "SELECT concat_ws('|', follower_id, followee_id, to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US')) FROM follows",
            "SELECT concat(toString(follower_id), '|', toString(followee_id), '|', toString(created_at)) FROM follows_cdc FINAL",
        ),
        (
            "SELECT concat_ws('|', post_id, user_id, author_id, to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US')) FROM likes",
            "SELECT concat(toString(post_id), '|', toString(user_id), '|', toString(author_id), '|', toString(created_at)) \
             FROM likes_cdc FINAL",
        ),
        (
            "SELECT concat_ws('|', comment_id, post_id, user_id, author_id, to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US')) \
             FROM comments",
            "SELECT concat(toString(comment_id), '|', toString(post_id), '|', toString(user_id), '|', toString(author_id), '|', \
             toString(created_at)) FROM comments_cdc FINAL",
        ),
    ] {
        let (rows, facts) = (world.rows(rows).await, world.facts(facts).await);
        assert!(!rows.is_empty());
        assert_eq!(rows.len(), facts.len());
        if let Some((row, fact)) = rows.iter().zip(&facts).find(|(row, fact)| row != fact) {
            panic!("{row} in PostgreSQL, {fact} in ClickHouse");
        }
    }
}

/// Redis has of every recent post what `nova projector` would have counted: nothing is missing, zeros and versions included.
async fn assert_counters(world: &World) {
    // A post that was seven days old when a load began may have none.
    let recent = world
        .facts(
            "SELECT toString(post_id) FROM posts_cdc GROUP BY post_id \
             HAVING max(created_at) > now() - INTERVAL 167 HOUR",
        )
        .await;
    let recent: Vec<PostId> = recent.iter().map(|post| post.parse().unwrap()).collect();
    assert!(recent.len() > 900, "{}", recent.len());
    for posts in recent.chunks(500) {
        let rows = world.cache.counters(posts).await.unwrap();
        let counts = world.olap.post_counts(posts, LIMIT).await.unwrap();
        let events = world.olap.event_counts(posts, LIMIT).await.unwrap();
        let events: HashMap<_, _> = events.into_iter().map(|one| (one.post, one)).collect();
        let states = world.olap.post_states(posts, LIMIT).await.unwrap();
        let states: HashMap<_, _> = states.into_iter().map(|one| (one.post, one)).collect();
        for (row, counts) in rows.into_iter().zip(counts) {
            let (post, none) = (counts.post, EventCounts::none(counts.post));
            let (events, state) = (events.get(&post).unwrap_or(&none), states[&post]);
            let expected = PostRow {
                likes: Some(counts.likes),
                comments: Some(counts.comments),
                deleted: state.deleted,
                shares: Some(events.shares),
                impressions: Some(events.impressions),
                views: Some(events.views),
                version: Some(counts.version),
                events_version: Some(events.version),
                post_version: Some(state.lsn),
            };
            assert_eq!(row, Some(expected), "{post}");
        }
    }
}

/// What is derived from the facts, counted in two ways: rows that differ.
const DERIVED: [&str; 7] = [
    "SELECT count() FROM post_engagement AS e FINAL FULL JOIN post_ranking_scores AS f ON f.post_id = e.post_id \
     WHERE (e.likes, e.comments, e.shares, e.impressions, e.views) != (f.likes, f.comments, f.shares, f.impressions, f.views) \
        OR e.post_id != f.post_id",
    "SELECT abs(toInt64((SELECT sum(impressions + views + shares) FROM post_metrics_1h FINAL)) \
     - toInt64((SELECT count() FROM events_raw FINAL)))::UInt64",
    "SELECT count() FROM author_followers AS a FINAL FULL JOIN \
     (SELECT followee_id, count() AS n FROM follows_cdc FINAL GROUP BY followee_id) AS f ON f.followee_id = a.user_id \
     WHERE a.followers != f.n",
    "SELECT abs(toInt64((SELECT count() FROM user_author_90d FINAL)) - toInt64((SELECT count() FROM likes_cdc FINAL) \
     + (SELECT count() FROM comments_cdc FINAL) + (SELECT countIf(event_type = 'share') FROM events_raw FINAL)))::UInt64",
    "SELECT abs(toInt64((SELECT count() FROM posts_by_author FINAL)) - toInt64((SELECT count() FROM posts_cdc FINAL)))::UInt64",
    "SELECT abs(toInt64((SELECT count() FROM follow_graph FINAL)) - toInt64((SELECT count() FROM follows_cdc FINAL)))::UInt64",
    "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE 'load\\_%'",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_beside_the_stream() {
    let world = World::start().await;
    let definitions = world.definitions().await;
    world
        .sql(&format!(
            "INSERT INTO users (user_id, handle, display_name) VALUES ('{PROBE}', 'probe', 'Probe')"
        ))
        .await;
    world.sql(&format!(
        "INSERT INTO posts (post_id, author_id, caption, media_url) VALUES (gen_random_uuid(), '{PROBE}', 'c', 'https://m.example/1')"
    )).await;

    // A load that breaks off leaves the publication as it was, whole slices, and nothing in ClickHouse.
    let slices = "SELECT coalesce((SELECT slices::text FROM simulated_load_slices WHERE table_name = 'likes'), '0')";
    tokio::select! {
        ended = world.load(1, false) => panic!("nobody broke it off: {ended:?}"),
        () = async {
            let there = "SELECT (to_regclass('simulated_load_slices') IS NOT NULL)::text";
            while world.text(there).await != "true" || world.text(slices).await.parse::<u32>().unwrap() < 5 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        } => {}
    }
    assert_eq!(world.definitions().await, definitions);
    world.becomes("SELECT count() FROM posts_cdc", 1).await;
    assert_eq!(
        world
            .number("SELECT uniqExact(post_id) FROM post_changes")
            .await,
        1
    );
    let likes = world.text("SELECT count(*)::text FROM likes").await;
    assert!(
        (1..10_000).contains(&likes.parse::<u32>().unwrap()),
        "{likes}"
    );
    // The connection of the one that broke off may not have ended yet.
    let other = wait_for(LIMIT, async || match world.load(2, true).await {
        Err(BulkError::Postgres(LoadError::Unfinished { seed, .. })) => Ok(seed),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(other.await.unwrap(), 1);
    // One whose indexes would cost the connector its slot is refused, and stands in nobody's way.
    let many = Size {
        users: 1_000_000,
        posts: 1_000_000,
        follows: 1_000_000,
        likes: 300_000_000_000,
        ..SIZE
    };
    match world.load_of(many, 3, false).await {
        Err(BulkError::Postgres(LoadError::SlotSmall {
            slot,
            needed_bytes,
            limit_bytes,
        })) => assert!(slot == "nova_cdc" && needed_bytes > limit_bytes, "{slot}"),
        other => panic!("{other:?}"),
    }

    // The same load again goes on with it.
    let report = world.load(1, false).await.unwrap();
    assert!(report.resumed);
    assert!(report.rows(Side::Postgres, "likes") < SIZE.likes);
    assert_eq!(report.rows(Side::ClickHouse, "likes"), SIZE.likes);
    assert_eq!(report.unseeded, None);
    let counted = report.rows(Side::Redis, "counters");
    let posts = u64::from(SIZE.posts);
    assert!((posts - 10..=posts + 1).contains(&counted), "{counted}");
    assert_eq!(world.definitions().await, definitions);
    for (table, count) in [
        ("users", u64::from(SIZE.users) + 1),
        ("posts", u64::from(SIZE.posts) + 1),
        ("follows", SIZE.follows),
        ("likes", SIZE.likes),
        ("comments", SIZE.comments),
    ] {
        let found = world
            .text(&format!("SELECT count(*)::text FROM {table}"))
            .await;
        assert_eq!(found, count.to_string(), "{table}");
    }
    for orphans in [
        "SELECT count(*)::text FROM posts AS r LEFT JOIN users AS u ON u.user_id = r.author_id WHERE u.user_id IS NULL",
        "SELECT count(*)::text FROM likes AS r LEFT JOIN posts AS p USING (post_id, author_id) \
         LEFT JOIN users AS u USING (user_id) WHERE p.post_id IS NULL OR u.handle IS NULL",
        "SELECT count(*)::text FROM comments AS r LEFT JOIN posts AS p USING (post_id, author_id) \
         LEFT JOIN users AS u USING (user_id) WHERE p.post_id IS NULL OR u.handle IS NULL",
        "SELECT count(*)::text FROM follows AS r LEFT JOIN users AS a ON a.user_id = r.follower_id \
         LEFT JOIN users AS b ON b.user_id = r.followee_id WHERE a.handle IS NULL OR b.handle IS NULL",
    ] {
        assert_eq!(world.text(orphans).await, "0", "{orphans}");
    }
    assert_same_rows(&world).await;
    for derived in DERIVED {
        assert_eq!(world.number(derived).await, 0, "{derived}");
    }
    assert_counters(&world).await;

    // Changes of loaded rows flow as ever.
    let post = world
        .text("SELECT post_id::text FROM likes GROUP BY post_id ORDER BY count(*) DESC LIMIT 1")
        .await;
    let liked = world
        .text(&format!(
            "SELECT count(*)::text FROM likes WHERE post_id = '{post}'"
        ))
        .await;
    let liked: u64 = liked.parse().unwrap();
    let statement = format!(
        "DELETE FROM likes WHERE post_id = '{post}' AND user_id IN (SELECT user_id FROM likes WHERE post_id = '{post}' LIMIT 2)"
    );
    assert_eq!(world.sql(&statement).await, 2);
    let statement = format!(
        "INSERT INTO likes (post_id, user_id) SELECT '{post}', user_id FROM users \
         WHERE user_id NOT IN (SELECT user_id FROM likes WHERE post_id = '{post}') LIMIT 1"
    );
    assert_eq!(world.sql(&statement).await, 1);
    let removed = world
        .text("SELECT post_id::text FROM likes GROUP BY post_id ORDER BY count(*), post_id LIMIT 1")
        .await;
    world
        .sql(&format!(
            "UPDATE posts SET deleted_at = now() WHERE post_id = '{removed}'"
        ))
        .await;
    for (query, expected) in [
        (
            format!("SELECT count() FROM likes_cdc FINAL WHERE post_id = '{post}'"),
            liked - 1,
        ),
        (
            format!("SELECT likes FROM post_engagement FINAL WHERE post_id = '{post}'"),
            liked - 1,
        ),
        (
            format!(
                "SELECT count() FROM posts_cdc FINAL WHERE post_id = '{removed}' AND deleted_at IS NOT NULL"
            ),
            1,
        ),
        (
            format!("SELECT hidden FROM post_engagement FINAL WHERE post_id = '{removed}'"),
            1,
        ),
    ] {
        let query = query
            .replace("SELECT likes", "SELECT max(likes)")
            .replace("SELECT hidden", "SELECT toUInt64(max(hidden))");
        world.becomes(&query, expected).await;
    }
    assert_same_rows(&world).await;

    // The stream has carried these, and so everything before them: nothing of the load.
    let expected = topics::DATA_TOPICS.map(|topic| match topic {
        topics::CDC_LIKES => (topic, 3),
        topics::CDC_POSTS => (topic, 2),
        _ => (topic, 0),
    });
    assert_eq!(world.messages(), BTreeMap::from(expected));

    // It is there: neither it nor another is loaded over it by mistake.
    assert!(matches!(
        world.load(1, true).await,
        Err(BulkError::Postgres(LoadError::Loaded { seed: 1, .. }))
    ));
    assert!(matches!(
        world.load(2, false).await,
        Err(BulkError::Postgres(LoadError::NotEmpty))
    ));

    // A Redis that takes nothing fails no load.
    for setting in [["maxmemory-policy", "noeviction"], ["maxmemory", "1"]] {
        world
            .redis(&["CONFIG", "SET", setting[0], setting[1]])
            .await;
    }
    let report = world.load(2, true).await.unwrap();
    assert!(
        matches!(
            &report.unseeded,
            Some(Unseeded::Redis(CacheError::Refused { .. }))
        ),
        "{:?}",
        report.unseeded
    );
    assert_same_rows(&world).await;
    for derived in DERIVED {
        assert_eq!(world.number(derived).await, 0, "{derived}");
    }

    // What is missing comes with the next load, and what has changed meanwhile is replaced.
    world.redis(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let report = world.load(3, true).await.unwrap();
    assert_eq!(report.unseeded, None);
    assert_counters(&world).await;
    world.stack.stop().await;
}
