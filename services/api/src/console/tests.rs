//! The console without servers: what it refuses, and what it answers all the same.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use nova_runtime::{ApiConfig, AuthConfig, Env};
use nova_social::PoolConfig;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::auth::TokenVerifier;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const USER: &str = "0190b5a0-0000-7000-8000-000000000001";

fn auth() -> AuthConfig {
    AuthConfig::from_env(&Env::from_pairs([("NOVA_AUTH_SECRET", SECRET)])).unwrap()
}

/// Nothing behind it answers.
fn console() -> Router {
    let env = Env::from_pairs([
        ("NOVA_CONSOLE", "on"),
        ("NOVA_CONSOLE_CONTROL", "/nowhere/control.sock"),
    ]);
    let api = ApiConfig::from_env(&env).unwrap();
    let config = ConsoleConfig::from_env(&env, &api, &auth()).unwrap();
    let pool = PoolConfig {
        acquire_timeout: std::time::Duration::from_millis(200),
        ..PoolConfig::default()
    };
    let sources = Sources {
        social: Social::new(
            pool.connect_lazy("postgres://nova@127.0.0.1:1/nova")
                .unwrap(),
        ),
        cache: None,
        metrics: None,
    };
    router(config.unwrap(), sources)
}

async fn send(method: &str, path: &str, more: &[(&str, &str)]) -> (StatusCode, HeaderMap, Value) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1:8080");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = console().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    (parts.status, parts.headers, body)
}

#[tokio::test]
async fn the_page_comes_with_a_policy_that_allows_nothing_inline_and_no_other_host() {
    for (path, kind) in [
        ("/console", "text/html; charset=utf-8"),
        ("/console/", "text/html; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        ("/console/console.css", "text/css; charset=utf-8"),
    ] {
        let (status, headers, _) = send("GET", path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], kind);
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
    let (status, _, problem) = send("GET", "/console/other.js", &[]).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
}

#[tokio::test]
async fn a_token_of_the_console_is_one_of_the_api() {
    let path = format!("/console/api/users/{USER}/token");
    let (status, headers, body) = send("POST", &path, &[]).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let verifier = TokenVerifier::new(&auth()).unwrap();
    let token = body["token"].as_str().unwrap();
    assert_eq!(verifier.verify(token), Ok(USER.parse().unwrap()));

    let (status, _, problem) = send("POST", "/console/api/users/ada/token", &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
}

#[tokio::test]
async fn a_page_of_somebody_else_gets_nothing() {
    let token = format!("/console/api/users/{USER}/token");
    for (method, path) in [
        ("GET", "/console"),
        ("GET", "/console/api/users"),
        ("POST", &token),
        ("POST", "/console/api/servers/redis/pause"),
    ] {
        for forged in [
            ("origin", "http://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let (status, headers, body) = send(method, path, &[forged]).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {forged:?}");
            assert!(body["token"].is_null());
            assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        }
    }
}

#[tokio::test]
async fn without_servers_it_says_so_and_goes_on() {
    let (status, _, body) = send("GET", "/console/api/status", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["newest_change_ms"], Value::Null);
    let (status, _, body) = send("GET", "/console/api/servers", &[]).await;
    assert_eq!(
        (status, &body["control"]),
        (StatusCode::OK, &Value::Bool(false))
    );
    let (status, ..) = send("GET", "/console/api/users?q=ada", &[]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let names = format!("/console/api/users/{USER}/names?ids={USER}");
    assert_eq!(
        send("GET", &names, &[]).await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn nova_itself_is_never_paused() {
    for (path, expected) in [
        ("/console/api/servers/nova/pause", StatusCode::NOT_FOUND),
        ("/console/api/servers/redis/kill", StatusCode::NOT_FOUND),
        // The right question to a supervisor who is not there.
        (
            "/console/api/servers/redis/pause",
            StatusCode::SERVICE_UNAVAILABLE,
        ),
    ] {
        let (status, _, problem) = send("POST", path, &[]).await;
        assert_eq!(status, expected, "{path}: {problem}");
    }
}
