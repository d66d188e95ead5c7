//! What a record of the change topics says, as a value.
//!
//! Only what is projected is read. ClickHouse checks every field and keeps what it cannot take in `dead_letters`; a
//! record that cannot be read here is none of the projector's business but to count.

use chrono::{DateTime, Utc};
use nova_domain::{CommentId, PostId, UserId, Visibility};
use serde::{Deserialize, Deserializer};

use crate::topics;

/// What happened to a row of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which row, and what of it is projected.
    pub fact: Fact,
    /// The row is gone. Posts are deleted by an update instead: see [`Fact::Post`].
    pub removed: bool,
    /// The position in PostgreSQL's log: of two changes of a row the later has the greater.
    pub lsn: u64,
    /// How it came about.
    pub op: Op,
    /// When PostgreSQL committed it, milliseconds since 1970; for a snapshot, when the row was read.
    pub source_ms: Option<i64>,
}

/// The row of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Of `likes`.
    Like {
        /// What is liked.
        post: PostId,
        /// By whom.
        user: UserId,
    },
    /// Of `comments`.
    Comment {
        /// Below what.
        post: PostId,
        /// The comment.
        comment: CommentId,
    },
    /// Of `follows`.
    Follow {
        /// Who follows.
        follower: UserId,
        /// Whom.
        followee: UserId,
    },
    /// Of `posts`.
    Post {
        /// The post.
        post: PostId,
        /// Whose.
        author: UserId,
        /// Since when.
        created_at: DateTime<Utc>,
        /// For whom; none in the image of a removed row that does not carry it.
        visibility: Option<Visibility>,
        /// It has a deletion time, or its row is gone.
        deleted: bool,
    },
}

/// How a change came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// The row was inserted.
    Create,
    /// The row was updated.
    Update,
    /// The row was deleted.
    Delete,
    /// The row was read as it was: no change, but the state at the beginning of the stream.
    Read,
}

/// A record of one of the topics that are projected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A change of a row.
    Change(Change),
    /// The connector is alive, and had read PostgreSQL's log up to this time.
    Heartbeat {
        /// Milliseconds since 1970.
        source_ms: i64,
    },
}

/// Why a record says nothing.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The value is not the JSON object that the connector writes.
    #[error("not a change: {0}")]
    Json(#[from] serde_json::Error),
    /// A field is missing, or null.
    #[error("missing: {0}")]
    Missing(&'static str),
    /// The topic carries no changes.
    #[error("no topic of changes")]
    Topic,
}

/// Reads the value of a record of `topic`.
///
/// # Errors
/// [`DecodeError`]: the record says nothing that could be projected.
pub fn decode(topic: &str, value: &[u8]) -> Result<Message, DecodeError> {
    if topic == topics::HEARTBEAT {
        let beat: Heartbeat = serde_json::from_slice(value)?;
        return Ok(Message::Heartbeat {
            source_ms: beat.ts_ms,
        });
    }
    let row: Row = serde_json::from_slice(value)?;
    let removed = row.removed.ok_or(DecodeError::Missing("__deleted"))? == Flag::True;
    let fact = match topic {
        topics::CDC_LIKES => Fact::Like {
            post: row.post_id()?,
            user: row.user_id.ok_or(DecodeError::Missing("user_id"))?,
        },
        topics::CDC_COMMENTS => Fact::Comment {
            post: row.post_id()?,
            comment: row.comment_id.ok_or(DecodeError::Missing("comment_id"))?,
        },
        topics::CDC_FOLLOWS => Fact::Follow {
            follower: row.follower_id.ok_or(DecodeError::Missing("follower_id"))?,
            followee: row.followee_id.ok_or(DecodeError::Missing("followee_id"))?,
        },
        topics::CDC_POSTS => {
            // Absent is not null: taken for null it would bring a deleted post back.
            let deleted_at = row.deleted_at.ok_or(DecodeError::Missing("deleted_at"))?;
            Fact::Post {
                post: row.post_id()?,
                author: row.author_id.ok_or(DecodeError::Missing("author_id"))?,
                created_at: row.created_at.ok_or(DecodeError::Missing("created_at"))?,
                visibility: row.visibility,
                deleted: removed || deleted_at.is_some(),
            }
        }
        _ => return Err(DecodeError::Topic),
    };
    Ok(Message::Change(Change {
        fact,
        removed,
        lsn: row.lsn.ok_or(DecodeError::Missing("__lsn"))?,
        op: match row.op.as_deref() {
            Some("c") => Op::Create,
            Some("d") => Op::Delete,
            Some("r") => Op::Read,
            _ if removed => Op::Delete,
            _ => Op::Update,
        },
        source_ms: row.source_ms,
    }))
}

/// The fields of all topics that are projected: each has its own of them.
#[derive(Deserialize)]
struct Row {
    post_id: Option<PostId>,
    user_id: Option<UserId>,
    comment_id: Option<CommentId>,
    follower_id: Option<UserId>,
    followee_id: Option<UserId>,
    author_id: Option<UserId>,
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "present")]
    deleted_at: Option<Option<DateTime<Utc>>>,
    visibility: Option<Visibility>,
    #[serde(rename = "__lsn")]
    lsn: Option<u64>,
    #[serde(rename = "__deleted")]
    removed: Option<Flag>,
    #[serde(rename = "__op")]
    op: Option<String>,
    #[serde(rename = "__source_ts_ms")]
    source_ms: Option<i64>,
}

impl Row {
    fn post_id(&self) -> Result<PostId, DecodeError> {
        self.post_id.ok_or(DecodeError::Missing("post_id"))
    }
}

/// The connector writes it as text.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Flag {
    True,
    False,
}

#[derive(Deserialize)]
struct Heartbeat {
    ts_ms: i64,
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const A: &str = "0190b5a0-0000-7000-8000-00000000000a";
    const B: &str = "0190b5a0-0000-7000-8000-00000000000b";
    const C: &str = "0190b5a0-0000-7000-8000-00000000000c";
    const D: &str = "0190b5a0-0000-7000-8000-00000000000d";
    const AT: &str = "2026-01-22T23:53:13.947857Z";

    fn record(op: &str, columns: &Value) -> Value {
        let mut record = json!({
            "__deleted": if op == "d" { "true" } else { "false" }, "__op": op, "__lsn": 26_738_712,
            "__source_ts_ms": 1_769_125_993_950_i64, "__ts_ms": 1_769_125_994_010_i64,
            "__source_snapshot": if op == "r" { "true" } else { "false" },
        });
        for (column, value) in columns.as_object().unwrap() {
            record[column] = value.clone();
        }
        record
    }

    fn post(op: &str, deleted_at: &Value, visibility: &Value) -> Value {
        record(
            op,
            &json!({
                "post_id": A, "author_id": B, "caption": "影片 'one'", "media_url": "https://media.example/1.mp4",
                "media_type": "video", "duration_ms": 15_000, "visibility": visibility, "created_at": AT,
                "updated_at": AT, "deleted_at": deleted_at,
            }),
        )
    }

    fn like(op: &str) -> Value {
        record(
            op,
            &json!({"post_id": A, "user_id": B, "author_id": C, "created_at": AT}),
        )
    }

    fn comment(op: &str) -> Value {
        record(
            op,
            &json!({"comment_id": D, "post_id": A, "user_id": B, "author_id": C, "created_at": AT}),
        )
    }

    fn follow(op: &str) -> Value {
        record(
            op,
            &json!({"follower_id": A, "followee_id": B, "created_at": AT}),
        )
    }

    #[test]
    fn every_kind_of_record() {
        let null = Value::Null;
        let records = [
            (
                "post made",
                topics::CDC_POSTS,
                post("c", &null, &json!("public")),
            ),
            (
                "post read by a snapshot",
                topics::CDC_POSTS,
                post("r", &null, &json!("followers")),
            ),
            (
                "post deleted by its author",
                topics::CDC_POSTS,
                post("u", &json!(AT), &json!("private")),
            ),
            (
                "row of a post removed",
                topics::CDC_POSTS,
                post("d", &null, &null),
            ),
            ("like", topics::CDC_LIKES, like("c")),
            ("like read by a snapshot", topics::CDC_LIKES, like("r")),
            ("unlike", topics::CDC_LIKES, like("d")),
            ("comment", topics::CDC_COMMENTS, comment("c")),
            ("comment deleted", topics::CDC_COMMENTS, comment("d")),
            ("follow", topics::CDC_FOLLOWS, follow("c")),
            ("unfollow", topics::CDC_FOLLOWS, follow("d")),
            (
                "heartbeat",
                topics::HEARTBEAT,
                json!({"ts_ms": 1_769_125_994_010_i64}),
            ),
        ];
        let seen: Vec<String> = records
            .iter()
            .map(|(name, topic, value)| {
                let message = decode(topic, value.to_string().as_bytes()).unwrap();
                format!("{name}: {message:?}")
            })
            .collect();
        insta::assert_snapshot!(seen.join("\n"));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_names_the_reason() {
        let without = |mut value: Value, field: &str| {
            value.as_object_mut().unwrap().remove(field);
            value.to_string()
        };
        let with = |mut value: Value, field: &str, to: Value| {
            value[field] = to;
            value.to_string()
        };
        let cases = [
            (topics::CDC_LIKES, String::new()),
            (topics::CDC_LIKES, "{\"broken\": ".to_owned()),
            (topics::CDC_LIKES, "null".to_owned()),
            (topics::CDC_LIKES, "[1]".to_owned()),
            (topics::CDC_LIKES, "{}".to_owned()),
            (topics::CDC_LIKES, without(like("c"), "post_id")),
            (topics::CDC_LIKES, without(like("c"), "__lsn")),
            (
                topics::CDC_LIKES,
                with(like("c"), "user_id", json!("not-a-uuid")),
            ),
            (
                topics::CDC_LIKES,
                with(like("c"), "user_id", json!({"an": "object"})),
            ),
            (topics::CDC_LIKES, with(like("c"), "__lsn", json!("7"))),
            (topics::CDC_LIKES, with(like("c"), "__lsn", json!(-1))),
            (topics::CDC_LIKES, with(like("c"), "__deleted", json!(true))),
            (
                topics::CDC_LIKES,
                with(like("c"), "__deleted", json!("maybe")),
            ),
            (topics::CDC_COMMENTS, without(comment("c"), "comment_id")),
            (topics::CDC_FOLLOWS, without(follow("c"), "followee_id")),
            (
                topics::CDC_POSTS,
                without(post("c", &Value::Null, &json!("public")), "deleted_at"),
            ),
            (
                topics::CDC_POSTS,
                post("c", &Value::Null, &json!("everyone")).to_string(),
            ),
            (
                topics::CDC_POSTS,
                post("u", &json!("yesterday"), &json!("public")).to_string(),
            ),
            (topics::HEARTBEAT, "{}".to_owned()),
            (topics::EVENTS, like("c").to_string()),
        ];
        let seen: Vec<String> = cases
            .iter()
            .map(|(topic, value)| match decode(topic, value.as_bytes()) {
                Ok(message) => panic!("{value}: {message:?}"),
                Err(error) => format!("{topic}: {error}"),
            })
            .collect();
        insta::assert_snapshot!(seen.join("\n"));
    }
}
