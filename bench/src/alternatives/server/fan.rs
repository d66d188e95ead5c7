//! The feed from a list that was written with each post: two round trips to Redis, one after the other.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use nova_domain::{PostId, UserId};
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value, from_redis_value};
use uuid::Uuid;

use crate::alternatives::keys;
use crate::link;

const LAST: usize = 19;
/// Of an item with a caption of usual length.
const ITEM_BYTES: usize = 700;

/// Content and counters of a post: those of [`keys::BODY_FIELDS`].
type Body = (
    Option<Vec<u8>>,
    Option<String>,
    Option<String>,
    Option<String>,
);

pub(super) async fn page(
    State(mut redis): State<MultiplexedConnection>,
    Path(viewer): Path<Uuid>,
) -> Result<Response, StatusCode> {
    let mut list = Pipeline::with_capacity(1);
    list.cmd("ZREVRANGE")
        .arg(keys::list(UserId::new(viewer)))
        .arg(0)
        .arg(LAST);
    let mut found = link::ask(&mut redis, &list).await.map_err(super::failed)?;
    let ids: Vec<Vec<u8>> =
        from_redis_value(found.pop().unwrap_or(Value::Nil)).map_err(super::failed)?;
    let mut bodies = Pipeline::with_capacity(ids.len());
    for id in &ids {
        let post = Uuid::from_slice(id).map_err(super::failed)?;
        bodies
            .cmd("HMGET")
            .arg(keys::body(PostId::new(post)))
            .arg(&keys::BODY_FIELDS);
    }
    let bodies = link::ask(&mut redis, &bodies)
        .await
        .map_err(super::failed)?;
    let mut answer = Vec::with_capacity(32 + bodies.len() * ITEM_BYTES);
    answer.extend_from_slice(br#"{"items":["#);
    for (place, body) in bodies.into_iter().enumerate() {
        if place > 0 {
            answer.push(b',');
        }
        let body: Body = from_redis_value(body).map_err(super::failed)?;
        item(&mut answer, &body).ok_or_else(|| super::failed("a body is missing"))?;
    }
    answer.extend_from_slice(b"]}");
    Ok(([(CONTENT_TYPE, "application/json")], answer).into_response())
}

/// The content is kept as JSON without its closing brace, so that counters follow it without it being parsed.
fn item(answer: &mut Vec<u8>, body: &Body) -> Option<()> {
    let (body, likes, comments, shares) = body;
    answer.extend_from_slice(body.as_ref()?);
    for (name, count) in [
        (r#","counts":{"likes":"#, likes),
        (r#","comments":"#, comments),
        (r#","shares":"#, shares),
    ] {
        answer.extend_from_slice(name.as_bytes());
        let count = count.as_deref().unwrap_or("0");
        answer.extend_from_slice(count.as_bytes());
    }
    answer.extend_from_slice(b"}}");
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_its_content_and_its_counters() {
        let count = |n: u32| Some(n.to_string());
        let body = (
            Some(br#"{"post_id":"x""#.to_vec()),
            count(3),
            None,
            count(5),
        );
        let mut answer = Vec::new();
        item(&mut answer, &body).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let counts = serde_json::json!({"likes": 3, "comments": 0, "shares": 5});
        assert_eq!(json["counts"], counts);
        assert_eq!(item(&mut answer, &(None, None, None, None)), None);
    }
}
