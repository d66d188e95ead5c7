//! Too many, too slow, and a handler that panics.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use axum::routing::get;
use nova_domain::UserId;
use tower_http::catch_panic::CatchPanicLayer;

use super::harness::{SECRET, json, problem, request, send, state};
use crate::auth::sign;
use crate::middleware::{observe, problem_of_panic, protect};
use crate::router::router;

#[tokio::test]
async fn a_user_who_asks_too_often_is_told_when_to_come_back() {
    let app = router(state(&[
        ("NOVA_API_RATE_PER_SECOND", "1"),
        ("NOVA_API_RATE_BURST", "3"),
    ]));
    let ask = |token: &str| {
        let authorization = format!("Bearer {token}");
        Request::get("/api/v1/feed?limit=0")
            .header(header::AUTHORIZATION, authorization)
            .body(Body::empty())
            .unwrap()
    };
    let token = |user| sign(SECRET.as_bytes(), user, Duration::from_secs(60)).unwrap();
    let (ada, bob) = (token(UserId::generate()), token(UserId::generate()));
    for _ in 0..3 {
        assert_eq!(send(&app, ask(&ada)).await.status, 400);
    }
    let answer = send(&app, ask(&ada)).await;
    assert_eq!(
        (answer.status.as_u16(), problem(&answer)),
        (429, "rate-limited")
    );
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    assert_eq!(
        send(&app, ask(&bob)).await.status,
        400,
        "others are not held up"
    );
}

#[tokio::test]
async fn more_than_can_be_served_is_refused_at_once() {
    let state = state(&[("NOVA_API_MAX_IN_FLIGHT", "1")]);
    let app = router(state.clone());
    let ask = || {
        request(Method::GET, "/feed?limit=0")
            .body(Body::empty())
            .unwrap()
    };
    let other = state.in_flight.try_acquire().unwrap();
    let answer = send(&app, ask()).await;
    assert_eq!(
        (answer.status.as_u16(), problem(&answer)),
        (503, "overloaded")
    );
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    drop(other);
    assert_eq!(send(&app, ask()).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let app = router(state(&[("NOVA_API_BODY_TIMEOUT_MS", "300")]));
    let never = Body::new(http_body_util::StreamBody::new(futures::stream::pending::<
        Result<http_body::Frame<bytes::Bytes>, std::convert::Infallible>,
    >()));
    let answer = send(&app, json(Method::POST, "/posts", never)).await;
    assert_eq!(
        (answer.status.as_u16(), problem(&answer)),
        (408, "body-timeout")
    );
}

/// The layers of the router around handlers that go wrong.
fn broken() -> Router {
    let state = state(&[("NOVA_API_REQUEST_TIMEOUT_MS", "300")]);
    let panics = || async {
        assert!(std::env::var_os("PATH").is_none(), "a secret");
    };
    let plain = || async { (axum::http::StatusCode::IM_A_TEAPOT, "words of a library") };
    Router::new()
        .route("/stuck", get(std::future::pending::<()>))
        .route("/panics", get(panics))
        .route("/plain", get(plain))
        .layer(axum::middleware::from_fn_with_state(state, protect))
        .layer(CatchPanicLayer::custom(problem_of_panic))
        .layer(axum::middleware::from_fn(observe))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_ready_in_time_is_given_up() {
    let answer = send(
        &broken(),
        Request::get("/stuck").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!((answer.status.as_u16(), problem(&answer)), (503, "timeout"));
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_panic_is_an_internal_problem_without_its_text() {
    let answer = send(
        &broken(),
        Request::get("/panics").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), problem(&answer)),
        (500, "internal")
    );
    assert!(!answer.body.to_string().contains("secret"));
}

#[tokio::test]
async fn an_error_in_the_words_of_a_library_loses_them() {
    let answer = send(
        &broken(),
        Request::get("/plain").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!((answer.status.as_u16(), problem(&answer)), (418, "refused"));
    assert!(!answer.body.to_string().contains("library"));
}
