//! Applies `clickhouse/schema.sql`, statement by statement, and replaces views whose text has changed.
//!
//! `CREATE … IF NOT EXISTS` makes what is missing and leaves what is there. That is right for tables; a materialized
//! view of an older release would stay as it was. So the text of every view is remembered by its hash in
//! `schema_objects`, and a view whose hash differs is changed in place with `ALTER TABLE … MODIFY QUERY`: it stays
//! attached all the time, so no message passes it by and none is taken twice. One that refreshes itself sees no message, but
//! has a pace and a target that `MODIFY QUERY` leaves as they are: it is dropped and made anew.

use std::time::Duration;

use clickhouse::Client;
use clickhouse::sql::Identifier;

use crate::client::{Olap, within};
use crate::consumers::ATTACH;
use crate::error::OlapError;
use crate::sql::{Statement, statements};

/// The schema of this release.
pub const SCHEMA: &str = include_str!("../../../clickhouse/schema.sql");

const DEADLINE: Duration = Duration::from_secs(120);

const MEMORY: &str = "CREATE TABLE IF NOT EXISTS schema_objects (name String, hash UInt64, applied_at DateTime64(3, 'UTC')) \
                      ENGINE = ReplacingMergeTree(applied_at) ORDER BY name";

/// What [`apply`] did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SchemaReport {
    /// Statements applied: all of the file.
    pub statements: usize,
    /// Objects that were not there before.
    pub created: Vec<String>,
    /// Materialized views whose query, or pace, or target was replaced.
    pub replaced: Vec<String>,
    /// Views of older releases that were removed.
    pub removed: Vec<String>,
}

/// What a statement of the schema makes or removes.
#[derive(Debug, PartialEq, Eq)]
struct Object<'a> {
    name: &'a str,
    kind: Kind<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind<'a> {
    /// A table, an addition to one, or a plain view.
    Plain,
    Materialized {
        query: &'a str,
    },
    /// A materialized view that refreshes itself, `REFRESH EVERY …`.
    Refreshable,
    /// A table that is a consumer of Kafka.
    Consumer,
    /// A view that this release has no more.
    Removed,
}

/// The tables of this release that are consumers of Kafka.
#[must_use]
pub fn consumers() -> Vec<&'static str> {
    let objects = statements(SCHEMA)
        .into_iter()
        .filter_map(|statement| object(statement).ok());
    objects
        .filter(|object| object.kind == Kind::Consumer)
        .map(|object| object.name)
        .collect()
}

/// Applies the schema of this release. Idempotent.
///
/// # Errors
/// [`OlapError::Statement`] names the statement that failed; what stands before it in the file has been applied.
pub async fn apply(olap: &Olap) -> Result<SchemaReport, OlapError> {
    apply_text(olap, SCHEMA).await
}

/// Applies another schema text of the same form: for tests of upgrades.
///
/// # Errors
/// As [`apply`].
pub async fn apply_text(olap: &Olap, sql: &str) -> Result<SchemaReport, OlapError> {
    within(DEADLINE, apply_all(olap.client(), sql)).await
}

async fn apply_all(client: &Client, sql: &str) -> Result<SchemaReport, OlapError> {
    client.query(MEMORY).execute().await?;
    let mut report = SchemaReport::default();
    for statement in statements(sql) {
        let object = object(statement)?;
        let failed = |source| OlapError::Statement {
            number: statement.number,
            name: object.name.to_owned(),
            source,
        };
        let existed = exists(client, object.name).await?;
        run(client, statement.text).await.map_err(failed)?;
        if object.kind == Kind::Consumer {
            // One that is detached is not made, and nothing is said of it; the views that read it would not find it.
            let attach = client.query(ATTACH).bind(Identifier(object.name));
            attach.execute().await.map_err(failed)?;
        }
        report.statements += 1;
        match (object.kind, existed) {
            (Kind::Removed, true) => report.removed.push(object.name.to_owned()),
            (Kind::Removed, false) => {}
            (_, false) => report.created.push(object.name.to_owned()),
            (_, true) => {}
        }
        let (hash, changes) = match object.kind {
            Kind::Materialized { query } => (
                hash_of(query),
                vec![format!("ALTER TABLE {} MODIFY QUERY {query}", object.name)],
            ),
            Kind::Refreshable => (
                hash_of(statement.text),
                vec![
                    format!("{DROP}{} SYNC", object.name),
                    statement.text.to_owned(),
                ],
            ),
            Kind::Plain | Kind::Consumer | Kind::Removed => continue,
        };
        if existed && remembered(client, object.name).await? != Some(hash) {
            for change in &changes {
                run(client, change).await.map_err(failed)?;
            }
            report.replaced.push(object.name.to_owned());
        }
        remember(client, object.name, hash).await?;
    }
    Ok(report)
}

/// DDL goes out as it is: a `?` in it is no placeholder.
async fn run(client: &Client, text: &str) -> Result<(), clickhouse::error::Error> {
    client.query(&text.replace('?', "??")).execute().await
}

async fn exists(client: &Client, name: &str) -> Result<bool, OlapError> {
    let found: u8 = client
        .query("EXISTS TABLE ?")
        .bind(Identifier(name))
        .fetch_one()
        .await?;
    Ok(found == 1)
}

async fn remembered(client: &Client, name: &str) -> Result<Option<u64>, OlapError> {
    let hash = client
        .query("SELECT hash FROM schema_objects FINAL WHERE name = ?")
        .bind(name);
    Ok(hash.fetch_optional().await?)
}

async fn remember(client: &Client, name: &str, hash: u64) -> Result<(), OlapError> {
    let insert = client
        .query("INSERT INTO schema_objects SELECT ?, ?, now64(3)")
        .bind(name)
        .bind(hash);
    Ok(insert.execute().await?)
}

fn object(statement: Statement<'_>) -> Result<Object<'_>, OlapError> {
    let unknown = || OlapError::UnknownStatement {
        number: statement.number,
        text: statement.text.chars().take(80).collect(),
    };
    // What follows the name is the statement's own.
    let forms = [
        "CREATE TABLE IF NOT EXISTS ",
        // Additions to a table of an older release, `… ADD COLUMN IF NOT EXISTS …`, and settings.
        ALTER,
        "CREATE OR REPLACE VIEW ",
        MATERIALIZED,
        DROP,
    ];
    let (form, rest) = forms
        .iter()
        .find_map(|form| Some((*form, statement.text.strip_prefix(form)?)))
        .ok_or_else(unknown)?;
    let name_end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let (name, body) = rest.split_at(name_end);
    let repeatable =
        form != ALTER || body.contains(" IF NOT EXISTS ") || body.starts_with(" MODIFY SETTING ");
    if name.is_empty() || !repeatable {
        return Err(unknown());
    }
    let kind = match form {
        MATERIALIZED => {
            let (head, query) = body.split_once(" AS\n").ok_or_else(unknown)?;
            if head.trim_start().starts_with("REFRESH ") {
                Kind::Refreshable
            } else {
                Kind::Materialized { query }
            }
        }
        DROP => Kind::Removed,
        _ if body.contains("\nENGINE = Kafka(") => Kind::Consumer,
        _ => Kind::Plain,
    };
    Ok(Object { name, kind })
}

const ALTER: &str = "ALTER TABLE ";
const MATERIALIZED: &str = "CREATE MATERIALIZED VIEW IF NOT EXISTS ";
const DROP: &str = "DROP VIEW IF EXISTS ";

/// FNV-1a, 64 bits: stable across releases of the compiler, unlike the standard library's hasher.
fn hash_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Object<'_>, OlapError> {
        object(Statement { number: 1, text })
    }

    #[test]
    fn every_statement_of_the_schema_is_understood() {
        let found = statements(SCHEMA);
        assert!(found.len() > 40, "{}", found.len());
        for statement in found {
            object(statement).unwrap();
        }
    }

    #[test]
    fn the_contract_s_objects_are_there() {
        let names: Vec<&str> = statements(SCHEMA)
            .into_iter()
            .map(|s| object(s).unwrap().name)
            .collect();
        for name in [
            "events_raw",
            "events_kafka",
            "posts_cdc",
            "follows_cdc",
            "comments_cdc",
            "likes_cdc",
            "post_metrics_1h",
            "user_author_90d",
            "hot_posts_1h",
            "follow_graph",
            "mv_events_ingest",
            "mv_post_metrics_1h",
            "mv_user_author_90d",
            "feed_recent_follows",
            "post_ranking_scores",
            "dead_letters",
        ] {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn consumers_are_the_tables_that_read_kafka() {
        let topics = ["posts", "likes", "comments", "follows", "events"];
        assert_eq!(consumers(), topics.map(|topic| format!("{topic}_kafka")));
    }

    #[test]
    fn no_statement_names_an_address() {
        assert!(!SCHEMA.contains("kafka_broker_list"));
    }

    #[test]
    fn a_materialized_view_has_a_query() {
        let view =
            parse("CREATE MATERIALIZED VIEW IF NOT EXISTS mv_a TO a AS\nSELECT 1 AS x").unwrap();
        assert_eq!(
            view,
            Object {
                name: "mv_a",
                kind: Kind::Materialized {
                    query: "SELECT 1 AS x"
                }
            }
        );
    }

    #[test]
    fn one_that_refreshes_itself_is_told_from_one_that_sees_inserts() {
        let view = parse("CREATE MATERIALIZED VIEW IF NOT EXISTS mv_a\nREFRESH EVERY 1 SECOND APPEND TO a AS\nSELECT 1 AS x").unwrap();
        assert_eq!((view.name, view.kind), ("mv_a", Kind::Refreshable));
    }

    #[test]
    fn a_table_may_be_extended() {
        let addition = parse("ALTER TABLE a ADD COLUMN IF NOT EXISTS x Int8").unwrap();
        assert_eq!((addition.name, addition.kind), ("a", Kind::Plain));
        let setting = parse("ALTER TABLE a MODIFY SETTING ttl = 1").unwrap();
        assert_eq!((setting.name, setting.kind), ("a", Kind::Plain));
    }

    #[test]
    fn a_view_may_be_removed() {
        let removed = parse("DROP VIEW IF EXISTS mv_a").unwrap();
        assert_eq!((removed.name, removed.kind), ("mv_a", Kind::Removed));
    }

    #[test]
    fn statements_of_another_form_are_refused() {
        for bad in [
            "DROP TABLE a",
            "DROP TABLE IF EXISTS a",
            "DROP VIEW a",
            "CREATE TABLE a (x Int8)",
            "CREATE TABLE IF NOT EXISTS (x Int8)",
            "ALTER TABLE a ADD COLUMN x Int8",
            "ALTER TABLE a DROP COLUMN x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
