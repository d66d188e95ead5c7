//! The schema on the real engine: applied, applied again, a view changed, a statement refused.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use nova_olap::{Olap, OlapConfig, OlapError, schema};
use nova_testbed::Stack;

async fn start() -> (Olap, Stack) {
    let stack = nova_testbed::clickhouse().await.expect("ClickHouse starts");
    let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
    (Olap::new(&config), stack)
}

async fn number(olap: &Olap, query: &str) -> u64 {
    olap.client()
        .query(query)
        .fetch_one()
        .await
        .expect("the query runs")
}

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let (olap, _stack) = start().await;
    let first = schema::apply(&olap).await.unwrap();
    // Additions to tables of older releases, and removals of their views, change nothing on a new one.
    let upgrades: usize = ["\nALTER TABLE ", "\nDROP VIEW "]
        .into_iter()
        .map(|form| schema::SCHEMA.matches(form).count())
        .sum();
    assert_eq!(first.created.len() + upgrades, first.statements);
    assert!(
        first.replaced.is_empty() && first.removed.is_empty(),
        "{first:?}"
    );
    let tables = "SELECT sum(cityHash64(name, create_table_query)) FROM system.tables WHERE database = currentDatabase()";
    let before = number(&olap, tables).await;

    let second = schema::apply(&olap).await.unwrap();
    assert_eq!(second.statements, first.statements);
    assert!(
        second.created.is_empty() && second.replaced.is_empty() && second.removed.is_empty(),
        "{second:?}"
    );
    assert_eq!(number(&olap, tables).await, before);
}

#[tokio::test]
async fn a_consumer_that_was_left_detached_is_attached() {
    let (olap, _stack) = start().await;
    let first = schema::apply(&olap).await.unwrap();
    let attached =
        "SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine = 'Kafka'";
    let consumers = number(&olap, attached).await;
    let detach = "DETACH TABLE follows_kafka SYNC";
    olap.client().query(detach).execute().await.unwrap();
    assert_eq!(number(&olap, attached).await, consumers - 1);

    let second = schema::apply(&olap).await.unwrap();
    assert_eq!(second.statements, first.statements);
    assert_eq!(number(&olap, attached).await, consumers);
}

#[tokio::test]
async fn a_view_that_a_release_has_no_more_is_removed_once() {
    let (olap, _stack) = start().await;
    schema::apply_text(&olap, OLD).await.unwrap();
    let (tables, _) = OLD.split_once("\nCREATE MATERIALIZED VIEW").unwrap();
    let new = format!("{tables}\nDROP VIEW IF EXISTS mv_target;");

    let first = schema::apply_text(&olap, &new).await.unwrap();
    assert_eq!(first.removed, ["mv_target"]);
    let insert = "INSERT INTO source VALUES (1)";
    olap.client().query(insert).execute().await.unwrap();
    assert_eq!(number(&olap, "SELECT count() FROM target").await, 0);

    let second = schema::apply_text(&olap, &new).await.unwrap();
    assert!(second.removed.is_empty(), "{second:?}");
}

const OLD: &str = "CREATE TABLE IF NOT EXISTS source (n UInt64) ENGINE = Null;
CREATE TABLE IF NOT EXISTS target (n UInt64, form String) ENGINE = MergeTree ORDER BY n;
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_target TO target AS
SELECT n, 'old' AS form FROM source;";

#[tokio::test]
async fn a_changed_view_is_replaced_without_losing_or_doubling_rows() {
    let (olap, _stack) = start().await;
    schema::apply_text(&olap, OLD).await.unwrap();

    // Rows keep coming while the view changes.
    let writer = {
        let client = olap.client().clone();
        tokio::spawn(async move {
            for n in 0_u64..300 {
                client
                    .query("INSERT INTO source VALUES (?)")
                    .bind(n)
                    .execute()
                    .await
                    .unwrap();
            }
        })
    };
    let new = OLD.replace("'old'", "'new'");
    let mut replaced = 0;
    let mut texts = [new.as_str(), OLD].into_iter().cycle();
    while !writer.is_finished() {
        replaced += schema::apply_text(&olap, texts.next().unwrap())
            .await
            .unwrap()
            .replaced
            .len();
    }
    writer.await.unwrap();
    assert!(replaced > 0);
    assert_eq!(number(&olap, "SELECT count() FROM target").await, 300);
    assert_eq!(number(&olap, "SELECT uniqExact(n) FROM target").await, 300);

    schema::apply_text(&olap, &new).await.unwrap();
    olap.client()
        .query("INSERT INTO source VALUES (1000)")
        .execute()
        .await
        .unwrap();
    assert_eq!(
        number(
            &olap,
            "SELECT countIf(form = 'new') FROM target WHERE n = 1000"
        )
        .await,
        1
    );
}

/// `ALTER TABLE … MODIFY QUERY` leaves both as they are.
#[tokio::test]
async fn a_view_that_refreshes_itself_gets_another_pace_and_another_target() {
    let (olap, _stack) = start().await;
    let old = "\
CREATE TABLE IF NOT EXISTS a (n UInt64) ENGINE = MergeTree ORDER BY n;
CREATE TABLE IF NOT EXISTS b (n UInt64) ENGINE = MergeTree ORDER BY n;
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_n
REFRESH EVERY 1 HOUR APPEND TO a AS
SELECT toUInt64(1) AS n;";
    schema::apply_text(&olap, old).await.unwrap();
    for (change, stands) in [
        (old.replace("1 HOUR", "2 HOUR"), "EVERY 2 HOUR"),
        (old.replace("TO a", "TO b"), "TO default.b"),
        (old.replace("(1)", "(2)"), "toUInt64(2)"),
    ] {
        let report = schema::apply_text(&olap, &change).await.unwrap();
        assert_eq!(report.replaced, ["mv_n"], "{change}");
        let found: String = olap
            .client()
            .query("SELECT create_table_query FROM system.tables WHERE name = 'mv_n'")
            .fetch_one()
            .await
            .unwrap();
        assert!(found.contains(stands), "{found}");
        let again = schema::apply_text(&olap, &change).await.unwrap();
        assert!(again.replaced.is_empty(), "{again:?}");
    }
}

#[tokio::test]
async fn the_statement_that_failed_is_named() {
    let (olap, _stack) = start().await;
    let broken = format!("{OLD}\nCREATE TABLE IF NOT EXISTS wrong (n NoSuchType) ENGINE = Memory;");
    let error = schema::apply_text(&olap, &broken).await.unwrap_err();
    assert!(
        matches!(&error, OlapError::Statement { number: 4, name, .. } if name == "wrong"),
        "{error:?}"
    );
    assert!(error.to_string().contains("NoSuchType"), "{error}");
}

/// Why `post_metrics_1h` is not a SummingMergeTree behind a view: the same rows delivered twice.
#[tokio::test]
async fn a_summing_table_counts_a_redelivered_event_twice_and_the_recount_does_not() {
    let (olap, _stack) = start().await;
    schema::apply(&olap).await.unwrap();
    let client = olap.client();
    for statement in [
        "CREATE TABLE summed (post_id UUID, impressions UInt64) ENGINE = SummingMergeTree ORDER BY post_id",
        "CREATE MATERIALIZED VIEW mv_summed TO summed AS SELECT post_id, count() AS impressions FROM events_raw GROUP BY post_id",
    ] {
        client.query(statement).execute().await.unwrap();
    }
    let event = "INSERT INTO events_raw SELECT toUUID('0190b5a0-0000-7000-8000-0000000000e1'), \
                 toUUID('0190b5a0-0000-7000-8000-000000000001'), 'impression', \
                 toUUID('0190b5a0-0000-7000-8000-0000000000b1'), toUUID('0190b5a0-0000-7000-8000-000000000002'), \
                 NULL, now64(3), now64(3), 1";
    client.query(event).execute().await.unwrap();
    client.query(event).execute().await.unwrap();
    client
        .query("SYSTEM REFRESH VIEW mv_post_metrics_1h")
        .execute()
        .await
        .unwrap();
    client
        .query("SYSTEM WAIT VIEW mv_post_metrics_1h")
        .execute()
        .await
        .unwrap();

    assert_eq!(
        number(&olap, "SELECT sum(impressions) FROM summed").await,
        2
    );
    assert_eq!(
        number(&olap, "SELECT sum(impressions) FROM post_metrics_1h FINAL").await,
        1
    );
}

/// A client that corrects its clock between two tries, or two processes whose clocks differ: whichever arrival counts,
/// it counts once, in one hour.
#[tokio::test]
async fn an_event_that_arrives_twice_with_two_times_counts_once() {
    let (olap, _stack) = start().await;
    schema::apply(&olap).await.unwrap();
    let client = olap.client();
    // As the view that decodes hands them on: hour of the event, second of its arrival.
    for (post, arrivals) in [(1, [(10, 1), (9, 2)]), (2, [(10, 2), (9, 1)])] {
        for (hour, second) in arrivals {
            let statement = format!(
                "INSERT INTO events_decoded SELECT 'events', 0, 0, '', '', [], \
                 toUUID('0190b5a0-0000-7000-8000-0000000000e1'), toUUID('0190b5a0-0000-7000-8000-000000000001'), \
                 'impression', toUUID('0190b5a0-0000-7000-8000-0000000000b{post}'), \
                 toUUID('0190b5a0-0000-7000-8000-000000000002'), NULL, \
                 toDateTime64(concat(toString(yesterday()), ' {hour:02}:30:00'), 3, 'UTC'), \
                 toDateTime64(concat(toString(yesterday()), ' 11:00:0{second}'), 3, 'UTC')"
            );
            client.query(&statement).execute().await.unwrap();
            for command in ["REFRESH", "WAIT"] {
                let command = format!("SYSTEM {command} VIEW mv_post_metrics_1h");
                client.query(&command).execute().await.unwrap();
            }
        }
        let of_post = format!("post_id = toUUID('0190b5a0-0000-7000-8000-0000000000b{post}')");
        // The first arrival: 10 o'clock of the first post, 9 o'clock of the second.
        let hour =
            format!("SELECT toUInt64(toHour(occurred_at)) FROM events_raw FINAL WHERE {of_post}");
        let expected = if post == 1 { 10 } else { 9 };
        assert_eq!(number(&olap, &hour).await, expected);
        for (table, count) in [("post_metrics_1h", 1), ("post_ranking_scores", 1)] {
            let (final_, query) = (
                if table == "post_metrics_1h" {
                    "FINAL"
                } else {
                    ""
                },
                "SELECT sum(impressions) FROM",
            );
            assert_eq!(
                number(&olap, &format!("{query} {table} {final_} WHERE {of_post}")).await,
                count,
                "{table}"
            );
        }
    }
}
