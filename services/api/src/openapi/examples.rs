//! The examples of the document. A test sends every one of them to real servers and compares what comes back.
//!
//! Ids: a user of an example is whoever the token says. The id of a post or comment stands for the one that the server
//! made when the example that creates it was sent.

use serde_json::{Value, json};

use crate::problem::Kind;

const ADA: &str = "0190b5a0-0000-7000-8000-00000000000a";
const BOB: &str = "0190b5a0-0000-7000-8000-00000000000b";
const POST: &str = "0190b5a0-0000-7000-8000-0000000000a1";
const COMMENT: &str = "0190b5a0-0000-7000-8000-0000000000c1";
const REQUEST: &str = "0190b5a0-0000-7000-8000-0000000000f1";
const AT: &str = "2026-11-22T18:30:00.123456Z";

/// The id of a path, by the schema of the parameter.
pub(super) fn id(schema: &str) -> Value {
    match schema.rsplit('/').next() {
        Some("UserId") => BOB.into(),
        Some("PostId") => POST.into(),
        Some("CommentId") => COMMENT.into(),
        _ => Value::Null,
    }
}

/// `{request: {name: body}, response: {name: body}, parameters: {parameter: {name: value}}}` of an operation. The request
/// and the response of one name belong together.
pub(super) fn of(operation: &str) -> Value {
    match operation {
        "putProfile" => json!({
            "request": {"profile": {"handle": "ada", "display_name": "Ada Lovelace"}},
            "response": {"profile": {
                "user_id": ADA, "handle": "ada", "display_name": "Ada Lovelace", "created_at": AT, "updated_at": AT,
            }},
        }),
        "createPost" => json!({
            "request": {"video": video(), "picture": picture()},
            "response": {"video": post(&video(), POST), "picture": post(&picture(), "0190b5a0-0000-7000-8000-0000000000a2")},
            "parameters": {"Idempotency-Key": {"video": "0190b5a0-0000-7000-8000-0000000000d1"}},
        }),
        "getPost" => json!({"response": {"post": post(&video(), POST)}}),
        "createComment" => json!({
            "request": {"comment": {"body": "What a view!"}},
            "response": {"comment": comment()},
            "parameters": {"Idempotency-Key": {"comment": "0190b5a0-0000-7000-8000-0000000000d2"}},
        }),
        "listComments" => json!({
            "response": {"only-page": {"items": [comment()], "next_cursor": null}},
            "parameters": {"limit": {"only-page": 10}},
        }),
        "reportEvents" => json!({
            "request": {"watched": {"events": [
                {"event_id": "0190b5a0-0000-7000-8000-0000000000e1", "type": "impression", "post_id": POST, "occurred_at": AT},
                {"event_id": "0190b5a0-0000-7000-8000-0000000000e2", "type": "view", "post_id": POST, "dwell_ms": 12_000, "occurred_at": AT},
            ]}},
            "response": {"watched": {"accepted": 2}},
        }),
        "getFeed" => json!({
            "response": {
                "first-page": feed_page("cache", Some(NEXT)),
                "next-page": feed_page("cache", None),
                "explained": explained(),
            },
            "parameters": {
                "limit": {"first-page": 1, "next-page": 1, "explained": 1},
                "cursor": {"next-page": NEXT},
                "offset": {"explained": 0},
                "explain": {"explained": true},
            },
        }),
        "getSuggestedUsers" => json!({
            "response": {"list": {
                "users": [{
                    "user_id": "0190b5a0-0000-7000-8000-00000000000c",
                    "handle": "grace",
                    "display_name": "Grace Hopper",
                    "score": 1.609,
                    "interactions": 4,
                    "reason": {"kind": "engaged", "count": 4, "text": "You interacted with their posts 4 times"},
                }],
                "served_from": "cache",
                "degraded": [],
            }},
            "parameters": {"limit": {"list": 5}},
        }),
        "getTrending" => json!({
            "response": {"list": {
                "items": [feed_item()],
                "served_from": "cache",
                "degraded": [],
            }},
            "parameters": {"limit": {"list": 1}},
        }),
        _ => Value::Null,
    }
}

/// What the first page gives and the next one is asked with; the test puts the real one in.
const NEXT: &str = "ARkLWgAAAHAAgAAAAAAAAAoBkLWgAAAHAAgAAAAAAAAFMAAAAAG2yQ5UoLZkq1nC0v8gXw7d";

fn feed_page(served_from: &str, next: Option<&str>) -> Value {
    json!({
        "items": [feed_item()],
        "next_cursor": next,
        "snapshot": {"id": "0190b5a0-0000-7000-8000-000000000053", "generated_at": AT},
        "served_from": served_from,
        "degraded": [],
    })
}

fn feed_item() -> Value {
    json!({
        "post_id": "0190b5a0-0000-7000-8000-0000000000b1",
        "author_id": BOB,
        "caption": "How to tie a bowline",
        "media_url": "https://media.example/v/bowline.mp4",
        "media_type": "video",
        "duration_ms": 42_000,
        "created_at": AT,
        "sources": ["follow", "trending"],
        "score": 0.5721,
        "counts": {"likes": 12, "comments": 3, "shares": 1},
        "viewer": {"liked": false},
    })
}

fn explained() -> Value {
    let mut page = feed_page("cache", Some(NEXT));
    page["items"][0]["explain"] = json!({
        "freshness": 0.9048,
        "engagement": 0.7514,
        "affinity": 0.0,
        "inputs": {"age_hours": 1.0, "likes": 12, "comments": 3, "shares": 1, "impressions": 18, "interactions": 0},
        "rank": 1,
        "rank_before_diversity": 1,
    });
    page["explain"] = json!({
        "cache": "hit",
        "snapshot_age_ms": 1_250,
        "ranked": 2,
        "position": 0,
        "formula": {
            "freshness_weight": 0.3,
            "engagement_weight": 0.4,
            "affinity_weight": 0.3,
            "decay_per_hour": 0.1,
            "comment_weight": 2.0,
            "share_weight": 3.0,
        },
        "sources": [{"source": "follow", "candidates": 2, "outcome": "ok", "ms": 11.5}],
        "filters": [{"filter": "own", "kept": 2, "removed": 0, "moved": 0}],
        "deferred": 0,
    });
    page
}

fn video() -> Value {
    json!({
        "caption": "Sunrise over the harbour",
        "media_url": "https://media.example/v/sunrise.mp4",
        "media_type": "video",
        "duration_ms": 15_000,
        "visibility": "public",
    })
}

fn picture() -> Value {
    json!({
        "caption": "The same harbour, at noon",
        "media_url": "https://media.example/p/noon.jpg",
        "media_type": "image",
        "visibility": "followers",
    })
}

/// What a form becomes.
fn post(form: &Value, id: &str) -> Value {
    json!({
        "post_id": id,
        "author_id": ADA,
        "caption": form["caption"],
        "media_url": form["media_url"],
        "media_type": form["media_type"],
        "duration_ms": form["duration_ms"].as_u64().unwrap_or(0),
        "visibility": form["visibility"],
        "created_at": AT,
        "liked": false,
    })
}

fn comment() -> Value {
    json!({"comment_id": COMMENT, "post_id": POST, "user_id": ADA, "body": "What a view!", "created_at": AT})
}

/// A document of a kind.
pub(super) fn problem(kind: Kind) -> Option<Value> {
    let (detail, errors) = match kind {
        Kind::InvalidParameter => (
            None,
            json!([{"parameter": "limit", "detail": "must be a whole number from 1 to 100"}]),
        ),
        Kind::InvalidJson => (
            Some("EOF while parsing an object at line 1 column 1"),
            Value::Null,
        ),
        Kind::Unauthorized => (Some("Send Authorization: Bearer TOKEN."), Value::Null),
        Kind::ProfileRequired => (Some("Make one first: PUT /api/v1/users/me."), Value::Null),
        Kind::NotFound => (Some("There is no such post."), Value::Null),
        Kind::HandleTaken => (
            None,
            json!([{"pointer": "/handle", "detail": "is taken by another user"}]),
        ),
        Kind::BodyTooLarge => (Some("The limit is 65536 bytes."), Value::Null),
        Kind::UnsupportedMediaType => (Some("Send Content-Type: application/json."), Value::Null),
        Kind::Validation => (
            None,
            json!([
                {"pointer": "/caption", "detail": "must not be empty"},
                {"pointer": "/media_type", "detail": "must be one of video, image, not `clip`"},
            ]),
        ),
        Kind::IdempotencyConflict => (
            Some("Use a new Idempotency-Key for each new request."),
            Value::Null,
        ),
        Kind::Refused => (Some("The body broke off."), Value::Null),
        // No operation of the document answers with it.
        Kind::MethodNotAllowed => return None,
        Kind::BodyTimeout
        | Kind::SelfReference
        | Kind::RateLimited
        | Kind::Internal
        | Kind::Overloaded
        | Kind::Unavailable
        | Kind::Timeout => (None, Value::Null),
    };
    let mut document = json!({
        "type": kind.uri(),
        "title": kind.title(),
        "status": kind.status().as_u16(),
        "request_id": REQUEST,
    });
    if let Some(detail) = detail {
        document["detail"] = detail.into();
    }
    if !errors.is_null() {
        document["errors"] = errors;
    }
    Some(document)
}
