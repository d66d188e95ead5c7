//! Records as the connector writes them.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use nova_domain::{CommentId, PostId, UserId};
use nova_stream::topics;
use serde_json::{Value, json};

/// A record to be produced.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) topic: &'static str,
    pub(crate) key: String,
    pub(crate) value: String,
}

static LSN: AtomicU64 = AtomicU64::new(26_000_000);

fn made(topic: &'static str, key: String, op: &str, columns: Value) -> Made {
    let lsn = LSN.fetch_add(56, Ordering::Relaxed);
    let now = Utc::now().timestamp_millis();
    let mut value = json!({
        "__deleted": (op == "d").to_string(), "__op": op, "__lsn": lsn, "__source_ts_ms": now, "__ts_ms": now,
        "__source_snapshot": (op == "r").to_string(),
    });
    let Value::Object(columns) = columns else {
        panic!("columns")
    };
    for (column, of_row) in columns {
        value[column] = of_row;
    }
    Made {
        topic,
        key,
        value: value.to_string(),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(crate) fn like(op: &str, post: PostId, user: UserId) -> Made {
    let columns = json!({"post_id": post, "user_id": user, "author_id": user, "created_at": time(Utc::now())});
    made(topics::CDC_LIKES, format!("{post}{user}"), op, columns)
}

pub(crate) fn comment(op: &str, post: PostId, comment: CommentId) -> Made {
    let user = UserId::new(comment.uuid());
    let columns = json!({
        "comment_id": comment, "post_id": post, "user_id": user, "author_id": user,
        "created_at": time(Utc::now()),
    });
    made(topics::CDC_COMMENTS, comment.to_string(), op, columns)
}

pub(crate) fn follow(op: &str, follower: UserId, followee: UserId) -> Made {
    let columns =
        json!({"follower_id": follower, "followee_id": followee, "created_at": time(Utc::now())});
    made(
        topics::CDC_FOLLOWS,
        format!("{follower}{followee}"),
        op,
        columns,
    )
}

/// A post as it is now: what was made when, for whom, and whether it is deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Post {
    pub(crate) id: PostId,
    pub(crate) author: UserId,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) visibility: &'static str,
    pub(crate) deleted: bool,
}

impl Post {
    pub(crate) fn by(author: UserId) -> Self {
        Self {
            id: PostId::generate(),
            author,
            created_at: Utc::now(),
            visibility: "public",
            deleted: false,
        }
    }

    pub(crate) fn record(self, op: &str) -> Made {
        let columns = json!({
            "post_id": self.id, "author_id": self.author, "caption": "a post", "media_url": "https://media.example/1",
            "media_type": "video", "duration_ms": 1_000, "visibility": self.visibility,
            "created_at": time(self.created_at), "updated_at": time(self.created_at),
            "deleted_at": self.deleted.then(|| time(Utc::now())),
        });
        made(topics::CDC_POSTS, self.id.to_string(), op, columns)
    }
}

pub(crate) fn heartbeat(ms: i64) -> Made {
    Made {
        topic: topics::HEARTBEAT,
        key: "{\"serverName\":\"nova\"}".to_owned(),
        value: json!({"ts_ms": ms}).to_string(),
    }
}
