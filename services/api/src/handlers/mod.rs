//! One file per subject. A handler extracts, calls a library, answers.

pub(crate) mod comments;
pub(crate) mod discover;
pub(crate) mod events;
pub(crate) mod fallback;
pub(crate) mod feed;
pub(crate) mod graph;
pub(crate) mod likes;
pub(crate) mod posts;
pub(crate) mod profile;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use nova_social::Created;
use serde::Serialize;

/// 201 with what was made; the same answer again to the same idempotency key, and a header that says so.
fn created<T: Serialize>(made: &Created<T>, mut headers: HeaderMap) -> Response {
    if made.replayed {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    (StatusCode::CREATED, headers, Json(&made.value)).into_response()
}
