//! Messages of every topic through the schema's own decoding, on the real engine: which become rows, which are
//! quarantined, and with what reason.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use clickhouse::Row;
use nova_olap::{Olap, OlapConfig, schema};
use nova_testbed::Stack;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Row, Deserialize)]
struct Decoded {
    error: String,
    drift: Vec<String>,
    row: String,
}

struct Engine {
    olap: Olap,
    _stack: Stack,
}

impl Engine {
    async fn start() -> Self {
        let stack = nova_testbed::clickhouse().await.expect("ClickHouse starts");
        let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
        Self {
            olap: Olap::new(&config),
            _stack: stack,
        }
    }

    /// What the view `mv_{name}_decode` makes of each message.
    async fn decode(&self, name: &str, messages: &[String]) -> Vec<Decoded> {
        let query = decoding_query(name);
        let rows: Vec<String> = messages
            .iter()
            .enumerate()
            .map(|(offset, message)| {
                let escaped = message.replace('\\', "\\\\").replace('\'', "\\'");
                format!("({offset}, '{escaped}')")
            })
            .collect();
        let rows = rows.join(", ");
        let source = format!(
            "FROM (SELECT raw, 'topic' AS _topic, toUInt64(3) AS _partition, n AS _offset \
             FROM VALUES('n UInt64, raw String', {rows})) AS k"
        );
        let query = query.replace(&format!("FROM {name}_kafka AS k"), &source);
        let outer = format!(
            "SELECT error, drift, toJSONString(tuple(* EXCEPT (topic, partition, offset, raw, error, drift))) AS row \
             FROM ({query}) ORDER BY offset"
        );
        self.olap
            .client()
            .query(&outer.replace('?', "??"))
            .fetch_all()
            .await
            .expect("the decoding query runs")
    }
}

fn decoding_query(name: &str) -> &'static str {
    let head = format!("CREATE MATERIALIZED VIEW IF NOT EXISTS mv_{name}_decode ");
    let from = schema::SCHEMA.find(&head).expect("the schema has the view");
    let statement = &schema::SCHEMA[from..];
    let statement = &statement[..statement.find(";\n").unwrap()];
    statement.split_once(" AS\n").unwrap().1
}

const A: &str = "0190b5a0-0000-7000-8000-00000000000a";
const B: &str = "0190b5a0-0000-7000-8000-00000000000b";
const C: &str = "0190b5a0-0000-7000-8000-00000000000c";
const D: &str = "0190b5a0-0000-7000-8000-00000000000d";
const AT: &str = "2026-01-22T23:53:13.947857Z";

fn change(columns: &Value) -> Value {
    let mut change = json!({
        "__deleted": "false", "__op": "c", "__lsn": 22_775_904, "__source_ts_ms": 1, "__ts_ms": 2, "__source_snapshot": "false",
    });
    for (name, value) in columns.as_object().unwrap() {
        change[name] = value.clone();
    }
    change
}

/// A good message of each topic, by the name its views carry, with a field of each that must not be null.
fn good() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    vec![
        (
            "posts",
            change(&json!({
                "post_id": A, "author_id": B, "caption": "影片 'one'", "media_url": "https://media.example/1.mp4",
                "media_type": "video", "duration_ms": 15_000, "visibility": "public", "created_at": AT,
                "updated_at": AT, "deleted_at": null,
            })),
            vec![
                "post_id",
                "author_id",
                "caption",
                "media_url",
                "media_type",
                "duration_ms",
                "visibility",
                "created_at",
                "updated_at",
                "__lsn",
                "__deleted",
            ],
        ),
        (
            "likes",
            change(&json!({"post_id": A, "user_id": B, "author_id": C, "created_at": AT})),
            vec![
                "post_id",
                "user_id",
                "author_id",
                "created_at",
                "__lsn",
                "__deleted",
            ],
        ),
        (
            "comments",
            change(
                &json!({"comment_id": D, "post_id": A, "user_id": B, "author_id": C, "created_at": AT}),
            ),
            vec![
                "comment_id",
                "post_id",
                "user_id",
                "author_id",
                "created_at",
                "__lsn",
                "__deleted",
            ],
        ),
        (
            "follows",
            change(&json!({"follower_id": A, "followee_id": B, "created_at": AT})),
            vec![
                "follower_id",
                "followee_id",
                "created_at",
                "__lsn",
                "__deleted",
            ],
        ),
        (
            "events",
            json!({
                "event_id": D, "user_id": B, "event_type": "dwell", "post_id": A, "author_id": C, "dwell_ms": 1_500,
                "occurred_at": "2026-01-22T23:53:13.947Z", "received_at": "2026-01-22T23:53:14.000Z",
            }),
            vec![
                "event_id",
                "user_id",
                "event_type",
                "post_id",
                "author_id",
                "occurred_at",
                "received_at",
            ],
        ),
    ]
}

fn with(message: &Value, field: &str, value: Value) -> String {
    let mut changed = message.clone();
    changed[field] = value;
    changed.to_string()
}

#[tokio::test]
async fn good_messages_become_rows() {
    let engine = Engine::start().await;
    let mut seen = Vec::new();
    for (name, message, _) in good() {
        let mut messages = vec![message.to_string()];
        if name != "events" {
            messages.push(with(&message, "__deleted", json!("true")));
        }
        for decoded in engine.decode(name, &messages).await {
            assert_eq!(decoded.error, "", "{name}");
            assert!(decoded.drift.is_empty(), "{name}");
            seen.push(format!("{name}: {}", decoded.row));
        }
    }
    insta::assert_snapshot!(seen.join("\n"));
}

#[tokio::test]
async fn broken_messages_are_quarantined_on_every_topic() {
    let engine = Engine::start().await;
    let texts = [
        ("", "empty message"),
        ("{", "not JSON"),
        ("\u{1}\u{2}garbage", "not JSON"),
        ("null", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("\"text\"", "not a JSON object"),
        ("17", "not a JSON object"),
    ];
    for (name, message, _) in good() {
        let mut messages: Vec<String> = texts.iter().map(|(text, _)| (*text).to_owned()).collect();
        // The good one between the bad ones becomes a row.
        messages.push(message.to_string());
        let decoded = engine.decode(name, &messages).await;
        for ((text, reason), decoded) in texts.iter().zip(&decoded) {
            assert_eq!(decoded.error, *reason, "{name}: {text}");
        }
        assert_eq!(decoded.last().unwrap().error, "", "{name}");
    }
}

#[tokio::test]
async fn a_null_or_a_wrong_type_in_a_required_field_is_quarantined_with_its_name() {
    let engine = Engine::start().await;
    for (name, message, required) in good() {
        for field in required {
            let mut without = message.clone();
            without.as_object_mut().unwrap().remove(field);
            let messages = [
                with(&message, field, Value::Null),
                without.to_string(),
                with(&message, field, json!({"an": "object"})),
                with(&message, field, json!(["a list"])),
            ];
            let reason = format!("missing or invalid: {field}");
            for (decoded, sent) in engine.decode(name, &messages).await.iter().zip(&messages) {
                assert_eq!(decoded.error, reason, "{name}: {sent}");
            }
        }
    }
}

#[tokio::test]
async fn values_out_of_their_domain_are_quarantined() {
    let engine = Engine::start().await;
    let cases = [
        ("posts", "post_id", json!("not-a-uuid")),
        ("posts", "visibility", json!("everyone")),
        ("posts", "media_type", json!("audio")),
        ("posts", "duration_ms", json!(-5)),
        ("posts", "duration_ms", json!("long")),
        ("posts", "caption", json!(5)),
        ("posts", "deleted_at", json!("yesterday")),
        ("likes", "created_at", json!("yesterday")),
        ("likes", "created_at", json!(1_700_000_000)),
        ("likes", "created_at", json!("2026-01-22T99:53:13Z")),
        ("likes", "__lsn", json!(true)),
        ("likes", "__lsn", json!(1.5)),
        ("likes", "__lsn", json!("7")),
        ("posts", "duration_ms", json!(true)),
        ("posts", "duration_ms", json!("7")),
        ("events", "dwell_ms", json!(1.5)),
        ("events", "dwell_ms", json!("7")),
        ("likes", "__lsn", json!(-1)),
        ("likes", "__lsn", json!("abc")),
        ("likes", "__deleted", json!("maybe")),
        ("events", "event_type", json!("zap")),
        ("events", "dwell_ms", json!("long")),
        ("events", "dwell_ms", json!(-1)),
    ];
    for (name, field, value) in cases {
        let (_, message, _) = good()
            .into_iter()
            .find(|(topic, _, _)| *topic == name)
            .unwrap();
        let sent = with(&message, field, value);
        let decoded = engine.decode(name, std::slice::from_ref(&sent)).await;
        assert_eq!(
            decoded[0].error,
            format!("missing or invalid: {field}"),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn an_absent_deletion_time_is_not_taken_for_none() {
    let engine = Engine::start().await;
    let (_, mut message, _) = good()
        .into_iter()
        .find(|(topic, _, _)| *topic == "posts")
        .unwrap();
    message.as_object_mut().unwrap().remove("deleted_at");
    let decoded = engine.decode("posts", &[message.to_string()]).await;
    assert_eq!(decoded[0].error, "missing or invalid: deleted_at");
}

#[tokio::test]
async fn an_unknown_field_is_noted_and_the_row_applied() {
    let engine = Engine::start().await;
    for (name, message, _) in good() {
        let decoded = engine
            .decode(name, &[with(&message, "surprise", json!(1))])
            .await;
        assert_eq!(decoded[0].error, "", "{name}");
        assert_eq!(decoded[0].drift, ["surprise"], "{name}");
    }
}
