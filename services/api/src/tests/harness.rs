//! A router whose servers are all down.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use nova_cache::{Cache, CacheConfig};
use nova_domain::UserId;
use nova_feed::discovery::{Discovery, Popular, SuggestConfig};
use nova_feed::{CursorKey, FeedConfig, FeedService};
use nova_olap::{Olap, OlapConfig};
use nova_runtime::{ApiConfig, AuthConfig, Env};
use nova_social::{PoolConfig, Social};
use nova_stream::{EventProducer, ProducerConfig};
use serde_json::Value;
use tower::ServiceExt as _;

use super::contract::{Contract, Received};
use crate::app::{self, Dependencies};
use crate::auth::sign;
use crate::router::router;
use crate::state::AppState;

pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An id that is well formed; nothing behind it.
pub(super) const ID: &str = "0190b5a0-0000-7000-8000-000000000001";

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::new(&crate::openapi::openapi_json()));

pub(super) fn state(variables: &[(&'static str, &'static str)]) -> AppState {
    let secret = [("NOVA_AUTH_SECRET", SECRET)];
    let env = Env::from_pairs(variables.iter().chain(&secret).copied());
    let pool = PoolConfig {
        acquire_timeout: Duration::from_millis(200),
        ..PoolConfig::default()
    };
    let social = Social::new(
        pool.connect_lazy("postgres://nova:hush@127.0.0.1:1/nova")
            .unwrap(),
    );
    let olap = Olap::new(&OlapConfig::from_url(&"http://127.0.0.1:1".parse().unwrap()).unwrap());
    let mut producer = ProducerConfig::new("127.0.0.1:1");
    producer.delivery_timeout = Duration::from_millis(200);
    let cache = CacheConfig::new("redis://127.0.0.1:1".parse().unwrap());
    let cache = Some(Cache::new(&cache).unwrap());
    let key = CursorKey::derive(SECRET.as_bytes());
    let feed = FeedConfig::default();
    let dependencies = Dependencies {
        discovery: Discovery {
            olap: olap.clone(),
            social: social.clone(),
            cache: cache.clone(),
            formula: feed.formula,
            popular: Popular::default(),
            suggest: SuggestConfig::default(),
        },
        feed: FeedService::new(olap, social.clone(), cache.clone(), feed, key).unwrap(),
        cache,
        events: EventProducer::new(&producer).unwrap(),
        social,
    };
    let (api, auth) = (
        ApiConfig::from_env(&env).unwrap(),
        AuthConfig::from_env(&env).unwrap(),
    );
    app::state(&api, &auth, dependencies).unwrap().0
}

pub(super) fn app() -> Router {
    router(state(&[]))
}

pub(super) fn token() -> String {
    sign(
        SECRET.as_bytes(),
        UserId::generate(),
        Duration::from_secs(60),
    )
    .unwrap()
}

/// A request of a user whose token is good.
pub(super) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", token()))
}

/// The same with a body that says it is JSON.
pub(super) fn json(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    request(method, path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap()
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// Sends, and holds the answer against the document.
pub(super) async fn send(app: &Router, request: Request<Body>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    if path.starts_with("/api/v1") {
        let received = Received {
            method: method.as_str(),
            path: &path,
            status: parts.status.as_u16(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body: &bytes,
        };
        let differences = CONTRACT.differences(&received);
        assert!(differences.is_empty(), "{method} {path}: {differences:#?}");
    }
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("not JSON: {bytes:?}"))
    };
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

/// What every problem document has to be; answers the last part of its type.
pub(super) fn problem(answer: &Answer) -> &str {
    let body = &answer.body;
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "application/problem+json",
        "{body}"
    );
    assert_eq!(body["status"], answer.status.as_u16(), "{body}");
    assert_eq!(
        body["request_id"].as_str(),
        answer.headers["x-request-id"].to_str().ok(),
        "{body}"
    );
    assert!(
        body["title"]
            .as_str()
            .is_some_and(|title| !title.is_empty()),
        "{body}"
    );
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let text = body.to_string();
    for internal in [
        "127.0.0.1",
        "hush",
        "sqlx",
        "postgres",
        "Kafka",
        "ClickHouse",
        "panicked",
    ] {
        assert!(!text.contains(internal), "{internal} in {text}");
    }
    body["type"]
        .as_str()
        .and_then(|uri| uri.strip_prefix("urn:nova:problem:"))
        .expect("a type of ours")
}
