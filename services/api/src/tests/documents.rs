//! Problem documents as clients read them.

use axum::body::Body;
use axum::http::{Method, Request};
use insta::internals::{Content, ContentPath};
use nova_feed::discovery::DiscoveryError;
use nova_feed::{CursorError, FeedError, Unavailable};
use nova_social::SocialError;
use serde_json::json as value;

use super::harness::{app, json, request, send};
use crate::problem::{Problem, write};

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that insta asks for"
)]
fn request_id(value: Content, _path: ContentPath<'_>) -> String {
    let id = value.as_str().expect("a text");
    assert!(
        id.parse::<nova_domain::EventId>().is_ok(),
        "`{id}` is not a UUID"
    );
    "[request id]".to_owned()
}

macro_rules! assert_document {
    ($answer:expr) => {
        insta::assert_json_snapshot!($answer.body, {".request_id" => insta::dynamic_redaction(request_id)});
    };
}

#[tokio::test]
async fn a_mistake_in_the_body() {
    let body = value!({"caption": "", "media_url": "https://m.example/1", "media_type": "clip", "visibility": "public"});
    let answer = send(&app(), json(Method::POST, "/posts", body.to_string())).await;
    assert_document!(answer);
}

#[tokio::test]
async fn a_mistake_in_a_parameter() {
    let answer = send(
        &app(),
        request(Method::GET, "/feed?limit=101")
            .body(Body::empty())
            .unwrap(),
    )
    .await;
    assert_document!(answer);
}

#[tokio::test]
async fn no_token() {
    let answer = send(
        &app(),
        Request::get("/api/v1/feed").body(Body::empty()).unwrap(),
    )
    .await;
    assert_document!(answer);
}

#[tokio::test]
async fn a_server_that_is_down() {
    let answer = send(
        &app(),
        request(Method::GET, "/feed").body(Body::empty()).unwrap(),
    )
    .await;
    assert_document!(answer);
}

#[tokio::test]
async fn the_id_that_a_client_gives_comes_back() {
    let request = Request::get("/api/v1/feed")
        .header("x-request-id", "trace-1")
        .body(Body::empty())
        .unwrap();
    let answer = send(&app(), request).await;
    assert_eq!(answer.headers["x-request-id"], "trace-1");
    assert_eq!(answer.body["request_id"], "trace-1");
}

#[tokio::test]
async fn what_the_social_graph_refuses() {
    let errors = [
        SocialError::NotFound { what: "user" },
        SocialError::NotFound { what: "post" },
        SocialError::NotFound { what: "comment" },
        SocialError::SelfReference,
        SocialError::UnknownUser,
        SocialError::HandleTaken,
        SocialError::IdempotencyConflict,
        SocialError::Unavailable("connection refused: 10.0.0.1".into()),
    ];
    insta::assert_snapshot!(documents(errors.map(Problem::from)).await);
}

#[tokio::test]
async fn what_the_feed_refuses() {
    use CursorError::{Malformed, OtherViewer, Tampered, Version};
    let cursors = [Malformed, Version, Tampered, OtherViewer];
    let unavailable = [Unavailable::Sources, Unavailable::Busy, Unavailable::Lost];
    let errors = [FeedError::Limit { given: 101 }]
        .into_iter()
        .chain(cursors.map(FeedError::from))
        .chain(unavailable.map(FeedError::from));
    insta::assert_snapshot!(documents(errors.map(Problem::from)).await);
}

#[tokio::test]
async fn what_discovery_refuses() {
    let budget = std::time::Duration::from_millis(300);
    let errors = [
        DiscoveryError::Limit { given: 0, max: 20 },
        DiscoveryError::Social(SocialError::Unavailable("10.0.0.1".into())),
        DiscoveryError::Late { budget },
    ];
    insta::assert_snapshot!(documents(errors.map(Problem::from)).await);
}

/// The documents, one a line.
async fn documents(problems: impl IntoIterator<Item = Problem>) -> String {
    use axum::response::IntoResponse as _;
    let mut documents = Vec::new();
    for problem in problems {
        let mut response = problem.into_response();
        write(&mut response, "id");
        let body = axum::body::to_bytes(response.into_body(), 1 << 16)
            .await
            .unwrap();
        documents.push(String::from_utf8(body.to_vec()).unwrap());
    }
    documents.join("\n")
}
