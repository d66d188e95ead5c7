//! How PostgreSQL answers each statement in `sql/`: which index it reads, and with which condition. A statement that stops
//! reaching an index shows here as a change of the snapshot, and so does one that is new.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use common::Database;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

/// The same rows in every run: 1,000 users, 20,000 posts, and so on. A table of that size is read whole for the statistics,
/// so that these are the same in every run too, and is no longer read whole for a few rows of it.
const ROWS: [&str; 7] = [
    "INSERT INTO users (user_id, handle, display_name) SELECT pg_temp.id(2, n), 'user' || n, 'User' FROM generate_series(0, 4999) AS n",
    "INSERT INTO posts (post_id, author_id, caption, media_url, media_type, duration_ms, visibility, created_at)
     SELECT pg_temp.id(1, n), pg_temp.id(2, n % 1000), 'caption', 'https://media.example/1', 'video', 1000,
            (ARRAY['public', 'public', 'followers', 'private'])[1 + n % 4], now() - n * interval '18 s'
     FROM generate_series(0, 19999) AS n",
    "INSERT INTO follows (follower_id, followee_id)
     SELECT pg_temp.id(2, n % 1000), pg_temp.id(2, (n * 7 + n / 1000 + 1) % 5000) FROM generate_series(0, 24999) AS n
     WHERE n % 1000 <> (n * 7 + n / 1000 + 1) % 5000",
    "INSERT INTO blocks (blocker_id, blocked_id)
     SELECT pg_temp.id(2, n % 5000), pg_temp.id(2, (n + 1 + n / 5000) % 5000) FROM generate_series(0, 9999) AS n",
    "INSERT INTO likes (post_id, user_id) SELECT pg_temp.id(1, n % 10000), pg_temp.id(2, n / 10000 * 37 + n % 30) FROM generate_series(0, 24999) AS n",
    "INSERT INTO comments (comment_id, post_id, user_id, body)
     SELECT pg_temp.id(3, n), pg_temp.id(1, n % 5000), pg_temp.id(2, n % 1000), 'comment' FROM generate_series(0, 24999) AS n",
    "INSERT INTO idempotency_keys (user_id, key, request_hash, created_at)
     SELECT pg_temp.id(2, n % 5000), 'key' || n, decode(repeat('00', 32), 'hex'), now() - n * interval '10 s' FROM generate_series(0, 19999) AS n",
];

/// An id that ends in a number: ids of the same kind are ordered by it.
const ID: &str =
    "CREATE FUNCTION pg_temp.id(kind int, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('00000000-0000-700' || kind || '-8000-' || lpad(to_hex(number), 12, '0'))::uuid $$";

/// The lines of a plan that say what is read and by which index.
const TOLD: [&str; 6] = [
    "->",
    "Index Cond:",
    "Recheck Cond:",
    "CTE ",
    "InitPlan ",
    "SubPlan ",
];

/// Statements that have no plan, by their first word.
const WITHOUT_PLAN: [&str; 1] = ["DO"];

async fn filled() -> anyhow::Result<Database> {
    let db = Database::start().await?;
    let mut connection = db.pool().acquire().await?;
    // Loading is slower than anything a request waits for.
    connection.execute("SET statement_timeout = 0").await?;
    connection.execute(ID).await?;
    for statement in ROWS {
        connection.execute(statement).await.context(statement)?;
    }
    // A generic plan is made for no value in particular; that of a running service is the same from the sixth call on.
    connection.execute("VACUUM ANALYZE").await?;
    connection.execute("RESET statement_timeout").await?;
    drop(connection);
    Ok(db)
}

/// Every statement of the crate by its name.
fn statements() -> anyhow::Result<BTreeMap<String, String>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut statements = BTreeMap::new();
    for file in fs::read_dir(directory)? {
        let file = file?.path();
        let name = file
            .file_stem()
            .and_then(|name| name.to_str())
            .context("a name")?;
        let sql = fs::read_to_string(&file)?;
        let code = sql.lines().filter(|line| !line.starts_with("--"));
        let code = code.collect::<Vec<_>>().join("\n");
        if !WITHOUT_PLAN.iter().any(|word| code.starts_with(word)) {
            statements.insert(name.to_owned(), code);
        }
    }
    Ok(statements)
}

/// The steps of a statement with the conditions that an index answers; no costs, no times.
async fn plan(connection: &mut PgConnection, sql: &str) -> anyhow::Result<String> {
    // In there nothing says of what type a parameter is; the crate does when it binds it.
    let typed = ["$1", "$2"].iter().fold(sql.to_owned(), |sql, parameter| {
        sql.replace(
            &format!("ARRAY[{parameter}]"),
            &format!("ARRAY[{parameter}::uuid]"),
        )
    });
    let explain = format!("EXPLAIN (GENERIC_PLAN, COSTS OFF) {typed}");
    let lines = sqlx::raw_sql(AssertSqlSafe(explain));
    let mut told = String::new();
    for line in lines.fetch_all(connection).await? {
        let line: String = line.get(0);
        let step = line.trim_start();
        if step.len() == line.len() || TOLD.iter().any(|start| step.starts_with(start)) {
            writeln!(told, "  {line}")?;
        }
    }
    Ok(told)
}

#[tokio::test]
async fn each_statement_reads_by_its_indexes() -> anyhow::Result<()> {
    let db = filled().await?;
    let mut connection = db.pool().acquire().await?;
    let mut told = String::new();
    for (name, sql) in statements()? {
        let plan = plan(&mut connection, &sql).await.context(name.clone())?;
        writeln!(told, "{name}\n{plan}")?;
    }
    insta::assert_snapshot!(told);
    drop(connection);
    db.stop().await;
    Ok(())
}

/// That the snapshot above can fail: without an index each statement whose plan names it has another one, or none.
#[tokio::test]
async fn a_lost_index_shows() -> anyhow::Result<()> {
    let db = filled().await?;
    let mut connection = db.pool().acquire().await?;
    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class AS c ON c.oid = indrelid
         WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut lost = BTreeSet::new();
    for (name, sql) in statements()? {
        let whole = plan(&mut connection, &sql).await?;
        let reads = |index: &&String| {
            whole.contains(&format!(" using {index} on "))
                || whole.contains(&format!(" on {index}\n"))
        };
        for index in indexes.iter().filter(reads) {
            let mut transaction = connection.begin().await?;
            // The planner does not see it any more, whatever depends on it.
            let hide = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::regclass";
            sqlx::query(hide)
                .bind(index)
                .execute(&mut *transaction)
                .await?;
            let without = plan(&mut transaction, &sql).await;
            transaction.rollback().await?;
            assert_ne!(without.ok(), Some(whole.clone()), "{name} without {index}");
            lost.insert(index);
        }
    }
    assert!(lost.len() >= 10, "only {lost:?} are read by a statement");
    drop(connection);
    db.stop().await;
    Ok(())
}
