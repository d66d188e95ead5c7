//! The stack and the clients on it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use nova_olap::{Olap, OlapConfig};
use nova_testbed::{Provider, Server, Stack, StackBuilder};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::clock::wait_until;

/// How long the deletion of all posts may take to arrive, a pipeline that was killed just now included.
const CLEARED: Duration = Duration::from_secs(90);

/// Partitions with the offset to read next, seconds since the last poll and commit, rebalances, the last exceptions.
const CONSUMERS: &str = "SELECT format('{}: partitions {} at {}, polled {} s ago, read {}, committed {} s ago, \
    rebalanced {} s ago, revoked {}, assigned {}, in use {}, {}', table, toString(assignments.partition_id), \
    toString(assignments.current_offset), toString(now() - last_poll_time), toString(num_messages_read), \
    toString(now() - last_commit_time), toString(now() - last_rebalance_time), toString(num_rebalance_revocations), \
    toString(num_rebalance_assignments), toString(is_currently_used), \
    toString(arrayZip(exceptions.time, exceptions.text))) FROM system.kafka_consumers ORDER BY table";

/// A running stack and everything a test talks to it with.
#[derive(Debug)]
pub struct World {
    /// The servers.
    pub stack: Stack,
    /// For the API.
    pub http: reqwest::Client,
    /// Straight to PostgreSQL.
    pub postgres: PgPool,
    /// Straight to ClickHouse.
    pub olap: Olap,
}

/// The shared stack, together with other tests.
pub type Shared = RwLockReadGuard<'static, World>;

/// The shared stack, alone. What such a test leaves is put right before the next test: posts that thousands of likes
/// have made the best of everybody's feed, and after a failure servers that are paused or killed.
#[derive(Debug)]
pub struct Exclusive(RwLockWriteGuard<'static, World>);

impl std::ops::Deref for Exclusive {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        LEFT.store(true, Ordering::SeqCst);
        if std::thread::panicking() {
            DISTURBED.store(true, Ordering::SeqCst);
        }
    }
}

// One runtime for the whole run: the stack's tasks and connections belong to it. Statics are never dropped; the
// testbed's watchdog clears the stack away when the test process ends, however it ends.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static WORLD: OnceCell<RwLock<World>> = OnceCell::const_new();
/// Nova's, on the shared stack.
static LOG: OnceLock<PathBuf> = OnceLock::new();
/// A test that had the stack alone has ended.
static LEFT: AtomicBool = AtomicBool::new(false);
/// It failed.
static DISTURBED: AtomicBool = AtomicBool::new(false);

/// Runs a test on the shared runtime.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let _told = Told;
    RUNTIME.block_on(test)
}

/// When a test fails, says what Nova logged last and how ClickHouse's consumers are: answers tell nobody why.
struct Told;

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(log) = LOG.get()
        {
            let lines = nova_testbed::tail(log, 30).join("\n");
            eprintln!("the end of {}:\n{lines}", log.display());
            // The test is over: nobody holds the stack for it any more.
            if let Some(world) = WORLD.get().and_then(|world| world.try_read().ok()) {
                eprintln!("{}", RUNTIME.block_on(world.consumers()).join("\n"));
            }
        }
    }
}

/// The shared stack, together with other tests.
pub async fn shared() -> Shared {
    let world = world().await;
    loop {
        let shared = world.read().await;
        if !LEFT.load(Ordering::SeqCst) {
            return shared;
        }
        drop(shared);
        let alone = world.write().await;
        if LEFT.load(Ordering::SeqCst) {
            alone.put_right().await;
        }
    }
}

/// The shared stack, alone: for a test that disturbs servers, measures time, or compares whole tables.
pub async fn exclusive() -> Exclusive {
    let alone = world().await.write().await;
    // Also after tests that shared it.
    alone.put_right().await;
    Exclusive(alone)
}

async fn world() -> &'static RwLock<World> {
    let start = || async {
        let builder = start_stack()
            .nova(true)
            // It posts and likes by itself, between two looks at whole tables.
            .nova_env("NOVA_JOBS_PROBE_ENABLED", "off")
            .nova_env("NOVA_CONSOLE", "on")
            .nova_env("NOVA_CONSOLE_CONTROL", &console_socket().to_string_lossy());
        let world = World::start(builder).await;
        LOG.get_or_init(|| world.stack.log(Server::Nova));
        RwLock::new(world)
    };
    WORLD.get_or_init(start).await
}

/// Where the console of the shared stack looks for somebody who pauses servers.
#[must_use]
pub fn console_socket() -> PathBuf {
    std::env::temp_dir().join(format!("nova-e2e-{}.sock", std::process::id()))
}

/// A builder for the provider of this run: containers, or processes with `NOVA_E2E_PROVIDER=processes`.
pub fn start_stack() -> StackBuilder {
    let provider = match std::env::var("NOVA_E2E_PROVIDER").as_deref() {
        Err(_) | Ok("containers") => Provider::Containers,
        Ok("processes") => Provider::Processes,
        Ok(other) => panic!("NOVA_E2E_PROVIDER is `{other}`, not `containers` or `processes`"),
    };
    Stack::builder().provider(provider)
}

/// Built beside this test: `target/debug/nova`.
fn nova_binary() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let directory = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("target/debug");
    directory.join("nova")
}

impl World {
    /// Starts a stack and connects to it.
    ///
    /// # Panics
    /// When it does not start; the message has the last lines of the log of the server that failed.
    pub async fn start(builder: StackBuilder) -> Self {
        let stack = builder
            .start()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let endpoints = stack.endpoints();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("an HTTP client");
        let postgres = PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(20))
            .connect_lazy(&endpoints.postgres)
            .expect("PostgreSQL's address");
        let clickhouse = endpoints.clickhouse.parse().expect("ClickHouse's address");
        let olap = Olap::new(&OlapConfig::from_url(&clickhouse).expect("ClickHouse's address"));
        Self {
            stack,
            http,
            postgres,
            olap,
        }
    }

    /// Runs a command of the `nova` binary on this stack; gives what it printed.
    ///
    /// # Errors
    /// What it said, when it failed.
    pub async fn nova(&self, arguments: &[&str]) -> Result<String, String> {
        let run = tokio::process::Command::new(nova_binary())
            .args(arguments)
            .envs(self.stack.nova_environment())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(Duration::from_secs(120), run)
            .await
            .map_err(|_| format!("nova {arguments:?}: not done within 120 s"))?
            .expect("the nova binary runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    /// One number from ClickHouse.
    ///
    /// # Errors
    /// What ClickHouse says, as text.
    pub async fn number(&self, query: &str) -> Result<u64, String> {
        self.olap
            .client()
            .query(query)
            .fetch_one()
            .await
            .map_err(|error| format!("{query}: {error}"))
    }

    /// Waits until ClickHouse answers `query` with `expected`.
    ///
    /// # Panics
    /// When it does not within `limit`.
    pub async fn becomes(&self, query: &str, expected: u64, limit: Duration) {
        wait_until(query, limit, || async {
            let found = self.number(query).await?;
            if found == expected {
                Ok(())
            } else {
                Err(format!("{found} instead of {expected}"))
            }
        })
        .await;
    }

    /// What ClickHouse's consumers of Kafka are doing, a line each.
    async fn consumers(&self) -> Vec<String> {
        let asked = self.olap.client().query(CONSUMERS).fetch_all::<String>();
        match tokio::time::timeout(Duration::from_secs(5), asked).await {
            Ok(Ok(lines)) => lines,
            Ok(Err(error)) => vec![format!("system.kafka_consumers: {error}")],
            Err(_) => vec!["system.kafka_consumers: no answer within 5 s".to_owned()],
        }
    }

    /// Nothing of earlier tests is left: no server is paused or killed, no feed finds a post.
    async fn put_right(&self) {
        if DISTURBED.load(Ordering::SeqCst) {
            for server in self.stack.servers() {
                // One that was not paused says so.
                let _ = self.stack.resume(server).await;
                if self.stack.check(server).await.is_err() {
                    let started = self.stack.restart(server).await;
                    started.unwrap_or_else(|error| panic!("{server} after a failed test: {error}"));
                }
            }
        }
        self.clear_feeds().await;
        DISTURBED.store(false, Ordering::SeqCst);
        LEFT.store(false, Ordering::SeqCst);
    }

    /// Deletes every post, as its author would, and waits until no feed can find one.
    async fn clear_feeds(&self) {
        self.sql("UPDATE posts SET deleted_at = now() WHERE deleted_at IS NULL")
            .await;
        let visible = "SELECT count() FROM posts_cdc FINAL WHERE deleted_at IS NULL";
        self.becomes(visible, 0, CLEARED).await;
    }

    /// A statement on ClickHouse.
    pub async fn statement(&self, statement: &str) {
        let done = self.olap.client().query(statement).execute().await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// A statement on PostgreSQL that takes no values; gives the number of rows touched.
    pub async fn sql(&self, statement: &str) -> u64 {
        let done = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&self.postgres)
            .await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"))
            .rows_affected()
    }

    /// One number from PostgreSQL.
    pub async fn sql_number(&self, query: &str) -> i64 {
        let row = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_one(&self.postgres)
            .await;
        row.unwrap_or_else(|error| panic!("{query}: {error}"))
    }
}
