//! Bad messages on every topic: kept with their position, and all others flow.

use std::time::Duration;

use nova_domain::{EventId, PostId, UserId};
use nova_e2e::{Position, TOPICS, World, exclusive, produce, run, shared, wait_until};
use nova_testbed::Server;
use serde_json::{Value, json};

use crate::ARRIVES;

/// A good message for a topic, and how to find its row.
struct Good {
    message: Value,
    /// A field whose value has a wrong type when it is an object.
    required: &'static str,
    row: String,
}

fn good(name: &str) -> Good {
    let (post, user, author) = (PostId::generate(), UserId::generate(), UserId::generate());
    let at = chrono::Utc::now();
    let change = |columns: &Value| {
        let mut message = json!({
            "__deleted": "false", "__op": "c", "__lsn": 1, "__source_ts_ms": 1, "__ts_ms": 1, "__source_snapshot": "false",
        });
        for (column, value) in columns.as_object().unwrap() {
            message[column] = value.clone();
        }
        message
    };
    let (message, required, row) = match name {
        "posts" => (
            change(&json!({
                "post_id": post, "author_id": author, "caption": "by hand", "media_url": "https://media.example/1",
                "media_type": "video", "duration_ms": 1, "visibility": "private", "created_at": at, "updated_at": at,
                // PostgreSQL does not know it: no feed is to find it.
                "deleted_at": at,
            })),
            "post_id",
            format!("posts_cdc FINAL WHERE post_id = '{post}'"),
        ),
        "likes" => (
            change(
                &json!({"post_id": post, "user_id": user, "author_id": author, "created_at": at}),
            ),
            "user_id",
            format!("likes_cdc FINAL WHERE post_id = '{post}'"),
        ),
        "comments" => (
            change(&json!({
                "comment_id": EventId::generate(), "post_id": post, "user_id": user, "author_id": author, "created_at": at,
            })),
            "comment_id",
            format!("comments_cdc FINAL WHERE post_id = '{post}'"),
        ),
        "follows" => (
            change(&json!({"follower_id": user, "followee_id": author, "created_at": at})),
            "followee_id",
            format!("follows_cdc FINAL WHERE follower_id = '{user}'"),
        ),
        "events" => (
            json!({
                "event_id": EventId::generate(), "user_id": user, "event_type": "view", "post_id": post,
                "author_id": author, "dwell_ms": null, "occurred_at": at, "received_at": at,
            }),
            "event_id",
            format!("events_raw FINAL WHERE post_id = '{post}'"),
        ),
        other => panic!("no such topic: {other}"),
    };
    Good {
        message,
        required,
        row,
    }
}

fn with(message: &Value, field: &str, value: Value) -> Vec<u8> {
    let mut changed = message.clone();
    changed[field] = value;
    changed.to_string().into_bytes()
}

async fn quarantined(world: &World, topic: &str, at: Position, disposition: &str, error: &str) {
    let Position { partition, offset } = at;
    let query = format!(
        "SELECT count() FROM dead_letters FINAL WHERE topic = '{topic}' AND partition = {partition} AND offset = {offset} \
         AND disposition = '{disposition}' AND startsWith(error, '{error}')"
    );
    wait_until(
        &format!("{topic} {at:?} as {disposition}: {error}"),
        ARRIVES,
        || async {
            if world.number(&query).await? == 1 {
                Ok(())
            } else {
                Err("not in dead_letters".to_owned())
            }
        },
    )
    .await;
}

async fn arrived(world: &World, row: &str) {
    wait_until(row, ARRIVES, || async {
        if world.number(&format!("SELECT count() FROM {row}")).await? == 1 {
            Ok(())
        } else {
            Err("no row".to_owned())
        }
    })
    .await;
}

#[test]
fn bad_messages_are_kept_with_their_position_and_all_others_flow() {
    run(async {
        let world = shared().await;
        for (topic, name) in TOPICS {
            let Good {
                message,
                required,
                row,
            } = good(name);
            // One key: bad and good messages stand in one partition, in this order.
            let key = PostId::generate().to_string();
            let bad: [(Vec<u8>, &str); 6] = [
                (b"{\"broken\": ".to_vec(), "not JSON"),
                (b"\xff\xfe\x00garbage".to_vec(), "not JSON"),
                (b"null".to_vec(), "not a JSON object"),
                (with(&message, required, Value::Null), "missing or invalid"),
                (
                    with(&message, required, json!({"a": "wrong type"})),
                    "missing or invalid",
                ),
                (b"{}".to_vec(), "missing or invalid"),
            ];
            let mut positions = Vec::new();
            for (value, error) in &bad {
                positions.push((produce(&world, topic, &key, Some(value)).await, *error));
            }
            produce(&world, topic, &key, Some(message.to_string().as_bytes())).await;

            for (position, error) in positions {
                quarantined(&world, topic, position, "quarantined", error).await;
            }
            arrived(&world, &row).await;
        }
    });
}

#[test]
fn a_record_without_a_value_is_kept_with_its_position_and_all_others_flow() {
    run(async {
        let world = shared().await;
        for (topic, name) in TOPICS {
            let Good { message, row, .. } = good(name);
            let key = PostId::generate().to_string();
            let null = produce(&world, topic, &key, None).await;
            let empty = produce(&world, topic, &key, Some(b"")).await;
            produce(&world, topic, &key, Some(message.to_string().as_bytes())).await;
            for position in [null, empty] {
                quarantined(&world, topic, position, "quarantined", "empty message").await;
            }
            arrived(&world, &row).await;
        }
    });
}

#[test]
fn records_without_a_value_are_kept_once_clickhouse_answers_again() {
    run(async {
        let world = exclusive().await;
        let key = PostId::generate().to_string();
        let (topic, name) = TOPICS[0];
        let Good { message, row, .. } = good(name);
        world.stack.pause(Server::ClickHouse).await.unwrap();
        let mut positions = vec![(topic, produce(&world, topic, &key, None).await)];
        // The first is being written, in vain; these come meanwhile.
        tokio::time::sleep(Duration::from_secs(2)).await;
        for (topic, _) in TOPICS {
            positions.push((topic, produce(&world, topic, &key, Some(b"")).await));
        }
        produce(&world, topic, &key, Some(message.to_string().as_bytes())).await;
        positions.push((topic, produce(&world, topic, &key, None).await));
        tokio::time::sleep(Duration::from_secs(12)).await;
        world.stack.resume(Server::ClickHouse).await.unwrap();
        for (topic, position) in positions {
            quarantined(&world, topic, position, "quarantined", "empty message").await;
        }
        arrived(&world, &row).await;
    });
}

#[test]
fn an_unknown_field_is_noted_and_the_row_applied() {
    run(async {
        let world = shared().await;
        for (topic, name) in TOPICS {
            let Good { message, row, .. } = good(name);
            let key = PostId::generate().to_string();
            let value = with(&message, "surprise", json!([1, 2, 3]));
            let position = produce(&world, topic, &key, Some(&value)).await;
            quarantined(
                &world,
                topic,
                position,
                "applied",
                "unknown field: surprise",
            )
            .await;
            arrived(&world, &row).await;
        }
    });
}
