//! The document of the API (OpenAPI 3.1), made from the code that serves it.
//!
//! A route exists only together with its operation (`routes!` takes both from one handler). What the attributes beside
//! the handlers do not say is added in [`complete`]: problems, headers, examples. `docs/openapi.json` is this document;
//! a test compares.

mod complete;
mod examples;
mod page;
pub(crate) mod tags;

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::Value;
use utoipa::OpenApi;

use crate::handlers::events::EventForm;
use crate::problem::{Document, Kind};
use crate::router;

pub(crate) use page::page;

/// What the operations are added to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Nova",
        description = "The feed of a short-video social network: profiles, posts, likes, comments, follows and blocks; what happened in front of the viewer; the ranked feed and what to discover.\n\nEvery refusal is a problem document (RFC 9457) whose `type` says what to do about it; a path that does not exist is `urn:nova:problem:not-found` (404), a method that a path does not have `urn:nova:problem:method-not-allowed` (405) with an `Allow` header. Additions to answers are not a new version: clients ignore what they do not know.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "The server that this document comes from")),
    tags(
        (name = tags::USERS, description = "Profiles, and who follows or blocks whom"),
        (name = tags::POSTS, description = "Posts and likes"),
        (name = tags::COMMENTS, description = "Comments on posts"),
        (name = tags::EVENTS, description = "What happened in front of the viewer"),
        (name = tags::FEED, description = "The personal feed"),
        (name = tags::DISCOVER, description = "Whom to follow, and what is trending"),
        (name = tags::META, description = "The interface itself"),
    ),
    components(schemas(Document, EventForm)),
    security(("bearer" = [])),
)]
struct Api;

/// The frame of the document, without operations.
pub(crate) fn frame() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// The whole document.
pub(crate) fn document() -> Value {
    complete::complete(&router::routes().into_openapi())
}

/// The whole document as text: keys in order, so that the same code gives the same bytes.
#[must_use]
pub fn openapi_json() -> String {
    // Texts, numbers and maps: this cannot fail.
    let mut text = serde_json::to_string_pretty(&sorted(document())).unwrap_or_default();
    text.push('\n');
    text
}

/// Whether maps keep the order of insertion is a feature that any crate of a build may turn on.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.into_iter().map(|(k, v)| (k, sorted(v))).collect()
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// For the attributes of a handler: the kinds of problems that are its own. Those that follow from its form (a token, a
/// body, parameters) are added by [`complete`].
pub(crate) fn problems(kinds: &[Kind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.slug()).collect()
}

static TEXT: LazyLock<Bytes> = LazyLock::new(|| openapi_json().into());

/// This document
#[utoipa::path(get, path = "/openapi.json", operation_id = "getOpenApi", tag = tags::META, security(()),
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = Object)))]
pub(crate) async fn get() -> impl IntoResponse {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], TEXT.clone())
}
