//! Imports into a real PostgreSQL, and one into a real Kafka.

#![expect(
    clippy::unwrap_used,
    reason = "in helpers of tests; clippy exempts only the tests themselves"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nova_import::{Defect, Format, ImportError, Kind, Options, Summary, run};
use nova_social::bulk::Bulk;
use nova_social::{PoolConfig, migrate};
use nova_stream::{EventProducer, ProducerConfig, topics};
use nova_testbed::{Server, Stack};
use sqlx::PgPool;

struct Fixture {
    stack: Stack,
    pool: PgPool,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn start(servers: &[Server]) -> Self {
        let stack = Stack::builder().servers(servers).start().await.unwrap();
        let config = PoolConfig {
            statement_timeout: Duration::from_secs(60),
            ..PoolConfig::default()
        };
        let pool = config.connect_lazy(&stack.endpoints().postgres).unwrap();
        migrate(&pool, "a password of the replication role")
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self {
            stack,
            pool,
            folder,
        }
    }

    fn write(&self, name: &str, lines: &[String]) {
        std::fs::write(self.folder.path().join(name), lines.join("\n")).unwrap();
    }

    /// Ten users who follow the next, five posts of the first, everybody likes every post, each post has a comment.
    fn write_network(&self) {
        let users = |n: i32| {
            format!(
                r#"{{"key":"u{n}","handle":"user_{n:03}","created_at":"2020-01-01T00:00:00Z"}}"#
            )
        };
        self.write("users.jsonl", &(0..10).map(users).collect::<Vec<_>>());
        let follows = |n: i32| {
            let next = (n + 1) % 10;
            format!(
                r#"{{"follower":"u{n}","followee":"u{next}","created_at":"2020-01-02T00:00:00Z"}}"#
            )
        };
        self.write("follows.jsonl", &(0..10).map(follows).collect::<Vec<_>>());
        let posts = |n: i32| {
            format!(
                r#"{{"key":"p{n}","author":"u0","caption":"post {n}","media_url":"https://media.example/{n}.mp4","created_at":"2020-01-03T00:0{n}:00Z"}}"#
            )
        };
        self.write("posts.jsonl", &(0..5).map(posts).collect::<Vec<_>>());
        let likes = |n: i32| {
            let (user, post) = (n % 10, n / 10);
            format!(r#"{{"post":"p{post}","user":"u{user}","created_at":"2020-01-04T00:00:00Z"}}"#)
        };
        self.write("likes.jsonl", &(0..50).map(likes).collect::<Vec<_>>());
        let comments = |n: i32| {
            format!(
                r#"{{"key":"c{n}","post":"p{n}","user":"u1","body":"fine","created_at":"2020-01-05T00:00:00Z"}}"#
            )
        };
        self.write("comments.jsonl", &(0..5).map(comments).collect::<Vec<_>>());
    }

    fn options(&self) -> Options {
        let mut options = Options::new(self.folder.path(), Format::Jsonl);
        options.quiet = true;
        options
    }

    async fn import(&self, options: &Options) -> Result<Summary, ImportError> {
        run(options, Bulk::new(self.pool.clone()), None).await
    }

    async fn count(&self, table: &str) -> u64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap();
        count.try_into().unwrap()
    }

    /// Every row of every table as text, in order.
    async fn contents(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in ["users", "follows", "posts", "likes", "comments"] {
            let sql = format!("SELECT t::text FROM {table} AS t ORDER BY 1");
            let sql = sqlx::AssertSqlSafe(sql);
            let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap();
            rows.extend(found.into_iter().map(|row| format!("{table} {row}")));
        }
        rows
    }

    async fn stop(self) {
        self.pool.close().await;
        self.stack.stop().await;
    }
}

fn written(summary: &Summary) -> Vec<(Kind, u64, u64)> {
    summary
        .counts
        .iter()
        .map(|(kind, c)| (*kind, c.written, c.present))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_again_changes_nothing() {
    let fixture = Fixture::start(&[Server::Postgres]).await;
    fixture.write_network();
    let first = fixture.import(&fixture.options()).await.unwrap();
    assert_eq!(
        written(&first),
        [
            (Kind::Users, 10, 0),
            (Kind::Follows, 10, 0),
            (Kind::Posts, 5, 0),
            (Kind::Likes, 50, 0),
            (Kind::Comments, 5, 0)
        ]
    );
    let contents = fixture.contents().await;
    assert_eq!(contents.len(), 80);
    let author: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM likes JOIN users AS u ON u.user_id = author_id WHERE handle = 'user_000'",
    )
    .fetch_one(&fixture.pool)
    .await
    .unwrap();
    assert_eq!(author, 50, "likes carry the post's author, not who likes");
    // Part of it is gone, as after a crash: only that part is written again, with the same ids.
    sqlx::query("DELETE FROM posts WHERE caption = 'post 4'")
        .execute(&fixture.pool)
        .await
        .unwrap();
    let second = fixture.import(&fixture.options()).await.unwrap();
    assert_eq!(
        written(&second),
        [
            (Kind::Users, 0, 10),
            (Kind::Follows, 0, 10),
            (Kind::Posts, 1, 4),
            (Kind::Likes, 10, 40),
            (Kind::Comments, 1, 4)
        ]
    );
    assert_eq!(fixture.contents().await, contents);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_time_becomes_now_and_stays_what_it_became() {
    let fixture = Fixture::start(&[Server::Postgres]).await;
    fixture.write_network();
    let mut options = fixture.options();
    options.shift_to_now = true;
    let before = Utc::now() - TimeDelta::milliseconds(1);
    let first = fixture.import(&options).await.unwrap();
    let newest: DateTime<Utc> = sqlx::query_scalar("SELECT max(created_at) FROM comments")
        .fetch_one(&fixture.pool)
        .await
        .unwrap();
    assert!(newest >= before && newest <= Utc::now(), "{newest}");
    let oldest: DateTime<Utc> = sqlx::query_scalar("SELECT min(created_at) FROM users")
        .fetch_one(&fixture.pool)
        .await
        .unwrap();
    assert_eq!(newest - oldest, TimeDelta::days(4), "distances stay");
    assert!(!first.shift_continued);
    let contents = fixture.contents().await;
    sqlx::query("DELETE FROM likes")
        .execute(&fixture.pool)
        .await
        .unwrap();
    let second = fixture.import(&options).await.unwrap();
    assert_eq!((second.shift, second.shift_continued), (first.shift, true));
    assert_eq!(
        fixture.contents().await,
        contents,
        "the likes come back with the times they had"
    );
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_not_written_unless_bad_lines_are_skipped() {
    let fixture = Fixture::start(&[Server::Postgres]).await;
    fixture.write_network();
    let user = |key: &str, handle: &str, at: &str| {
        format!(r#"{{"key":"{key}","handle":"{handle}","created_at":"{at}"}}"#)
    };
    fixture.write(
        "users.jsonl",
        &[
            user("u0", "user_000", "2020-01-01T00:00:00Z"),
            user("u1", "user_001", "2020-01-01T00:00:00Z"),
            user("x1", "user_001", "2020-01-01T00:00:00Z"),
            user("x2", "user_002", "2999-01-01T00:00:00Z"),
            user("x3", "?", "2020-01-01T00:00:00Z"),
        ],
    );
    match fixture.import(&fixture.options()).await.unwrap_err() {
        ImportError::BadLines { file, count, .. } => {
            assert_eq!((file.as_str(), count), ("users.jsonl", 3));
        }
        other => panic!("{other}"),
    }
    assert_eq!(fixture.count("users").await, 0);

    let mut options = fixture.options();
    options.skip_bad = true;
    let summary = fixture.import(&options).await.unwrap();
    let bad: Vec<_> = summary
        .bad
        .iter()
        .map(|((kind, defect, _), n)| (*kind, *defect, *n))
        .collect();
    assert_eq!(
        bad,
        [
            (Kind::Users, Defect::InvalidValue, 1),
            (Kind::Users, Defect::FutureTime, 1),
            (Kind::Users, Defect::HandleTaken, 1),
            (Kind::Follows, Defect::UnknownUser, 9),
            (Kind::Likes, Defect::UnknownUser, 40),
        ]
    );
    assert_eq!(fixture.count("users").await, 2);
    assert_eq!(fixture.count("likes").await, 10);
    for counts in summary.counts.values() {
        assert_eq!(
            counts.read,
            counts.written + counts.present + counts.bad + counts.ignored
        );
    }

    // Strict again: the files before the bad one stay, the check of references stops at the first bad file.
    fixture.write_network();
    sqlx::query("TRUNCATE users CASCADE")
        .execute(&fixture.pool)
        .await
        .unwrap();
    fixture.write(
        "likes.jsonl",
        &[
            r#"{"post":"p1","user":"u1","created_at":"2020-01-04T00:00:00Z"}"#.to_owned(),
            r#"{"post":"p9","user":"u1","created_at":"2020-01-04T00:00:00Z"}"#.to_owned(),
            r#"{"post":"0190b5a0-0000-7000-8000-000000000001","user":"u1","created_at":"2020-01-04T00:00:00Z"}"#.to_owned(),
            r#"{"post":"p1","user":"u99","created_at":"2020-01-04T00:00:00Z"}"#.to_owned(),
        ],
    );
    match fixture.import(&fixture.options()).await.unwrap_err() {
        ImportError::BadLines {
            file,
            count,
            summary,
        } => {
            assert_eq!((file.as_str(), count), ("likes.jsonl", 3));
            assert_eq!(summary.of(Kind::Posts).written, 5);
        }
        other => panic!("{other}"),
    }
    assert_eq!(fixture.count("posts").await, 5);
    assert_eq!(fixture.count("likes").await, 0);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_to_kafka_with_their_authors() {
    let fixture = Fixture::start(&[Server::Postgres, Server::Kafka]).await;
    fixture.write_network();
    let recent = (chrono::Utc::now() - chrono::TimeDelta::days(1)).to_rfc3339();
    let event = |n: i32| {
        let (post, user) = (n % 6, n % 10);
        // The last one is older than events are kept.
        let at = if n == 60 {
            "2020-01-06T00:00:00Z"
        } else {
            &recent
        };
        format!(
            r#"{{"key":"e{n}","user":"u{user}","post":"p{post}","type":"impression","occurred_at":"{at}"}}"#
        )
    };
    fixture.write("events.jsonl", &(0..=60).map(event).collect::<Vec<_>>());
    let mut options = fixture.options();
    options.skip_bad = true;
    let error = fixture.import(&options).await.unwrap_err();
    assert!(matches!(error, ImportError::NoKafka), "{error}");

    let brokers = fixture.stack.endpoints().kafka.clone();
    topics::ensure(&brokers).await.unwrap();
    let producer = || EventProducer::new(&ProducerConfig::new(&brokers)).unwrap();
    let bulk = Bulk::new(fixture.pool.clone());
    let first = run(&options, bulk.clone(), Some(producer())).await.unwrap();
    run(&options, bulk, Some(producer())).await.unwrap();
    assert_eq!(first.of(Kind::Events).written, 50);
    assert_eq!(first.bad[&(Kind::Events, Defect::UnknownPost, None)], 10);
    assert_eq!(first.bad[&(Kind::Events, Defect::TooOld, None)], 1);

    let messages = tokio::task::spawn_blocking(move || read_all(&brokers, 100))
        .await
        .unwrap();
    let mut distinct = messages.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 50, "the second run sends the same bytes");
    let author: String =
        sqlx::query_scalar("SELECT user_id::text FROM users WHERE handle = 'user_000'")
            .fetch_one(&fixture.pool)
            .await
            .unwrap();
    assert!(
        distinct
            .iter()
            .all(|m| m.contains(&format!(r#""author_id":"{author}""#)))
    );
    fixture.stop().await;
}

/// Reads `expected` messages of the events topic.
fn read_all(brokers: &str, expected: usize) -> Vec<String> {
    use rdkafka::Message as _;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    let consumer: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "import-test")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topics::EVENTS]).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let mut messages = Vec::new();
    while messages.len() < expected {
        assert!(
            std::time::Instant::now() < deadline,
            "{} of {expected} messages",
            messages.len()
        );
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let message = message.unwrap();
            messages.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
        }
    }
    messages
}

/// The published folder, if this machine has it.
fn published() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cofacts");
    let folder = std::env::var_os("NOVA_COFACTS_DIR").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: {} is absent (NOVA_COFACTS_DIR names another)",
        folder.display()
    );
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_data_arrives_whole() {
    let Some(folder) = published() else { return };
    let fixture = Fixture::start(&[Server::Postgres]).await;
    let mut options = Options::new(folder, Format::Cofacts);
    options.quiet = true;
    options.show_bad = 0;
    let strict = fixture.import(&options).await.unwrap_err();
    assert!(
        matches!(strict, ImportError::BadLines { count: 34, .. }),
        "{strict}"
    );
    options.skip_bad = true;
    options.shift_to_now = true;
    options.cofacts.derive_follows = Some(3);
    let summary = fixture.import(&options).await.unwrap();
    eprintln!("{summary}");
    for (kind, table) in [
        (Kind::Follows, "follows"),
        (Kind::Posts, "posts"),
        (Kind::Likes, "likes"),
        (Kind::Comments, "comments"),
    ] {
        assert_eq!(
            summary.of(kind).written,
            fixture.count(table).await,
            "{table}"
        );
    }
    assert_eq!(
        fixture.count("posts WHERE deleted_at IS NOT NULL").await,
        678
    );
    let again = fixture.import(&options).await.unwrap();
    for counts in again.counts.values() {
        assert_eq!(counts.written, 0);
    }
    fixture.stop().await;
}
