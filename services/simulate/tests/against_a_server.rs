//! The executor against an HTTP server that answers as the API does.

use std::collections::HashSet;
use std::time::Duration;

use nova_simulate::{Action, SimulateOptions, run};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn server() -> MockServer {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "0");
    Mock::given(method("PUT"))
        .and(path("/api/v1/users/me"))
        .respond_with(busy)
        .up_to_n_times(3)
        .mount(&server)
        .await;
    for (verb, pattern, status) in [
        ("PUT", "/users/me$", 200),
        ("PUT", "/follow$", 204),
        ("DELETE", "/follow$", 204),
        ("PUT", "/like$", 204),
        ("POST", "/posts$", 201),
        ("POST", "/comments$", 404),
        ("POST", "/events$", 202),
    ] {
        Mock::given(method(verb))
            .and(path_regex(format!("^/api/v1.*{pattern}")))
            .respond_with(ResponseTemplate::new(status).set_body_json(json!({})))
            .mount(&server)
            .await;
    }
    let items: Vec<_> = (0..20)
        .map(|n: u128| {
            json!({
                "post_id": uuid::Uuid::from_u128(n + 1),
                "author_id": nova_domain::UserId::generate(),
                "duration_ms": 20_000,
                "caption": "more than the simulation reads",
            })
        })
        .collect();
    Mock::given(method("GET"))
        .and(path("/api/v1/feed"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "items": items })))
        .mount(&server)
        .await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_population_uses_the_api_and_everything_is_counted() {
    let server = server().await;
    let mut options = SimulateOptions::new(server.uri().parse().unwrap(), SECRET);
    options.users = 20;
    options.first_posts = 10;
    options.rate = 0.0;
    options.quiet = true;
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { run(&options, stop).await }
    });
    let browsed = async {
        loop {
            let requests = server.received_requests().await.unwrap();
            let count = |end: &str| {
                requests
                    .iter()
                    .filter(|r| r.url.path().ends_with(end))
                    .count()
            };
            if count("/feed") >= 30 && count("/like") >= 5 && count("/comments") >= 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), browsed)
        .await
        .expect("30 feeds are read, and posts liked and commented on");
    stop.cancel();
    let summary = running.await.unwrap().unwrap();

    let requests = server.received_requests().await.unwrap();
    let count = |verb: &str, end: &str| {
        requests
            .iter()
            .filter(|r| r.method.as_str() == verb && r.url.path().ends_with(end))
            .count() as u64
    };
    assert_eq!(summary.ok(Action::Profile), 20);
    assert_eq!(
        summary.actions[&Action::Profile].retries,
        3,
        "busy answers are repeated"
    );
    assert_eq!(summary.ok(Action::Feed), count("GET", "/feed"));
    assert_eq!(summary.ok(Action::Events), count("POST", "/events"));
    assert_eq!(summary.ok(Action::Like), count("PUT", "/like"));
    assert!(
        summary.ok(Action::Post) >= 10 && summary.ok(Action::Like) > 0,
        "{summary}"
    );
    assert_eq!(
        summary.failed(),
        count("POST", "/comments"),
        "a 404 is not repeated"
    );
    assert!(
        summary.actions[&Action::Comment]
            .failed
            .contains_key("status 404 Not Found")
    );
    let impressions = summary.events["impression"];
    assert_eq!(
        impressions,
        20 * summary.ok(Action::Events),
        "an impression for each item"
    );
    assert!(summary.events["view"] < impressions);

    let mut seen = HashSet::new();
    for request in &requests {
        let token = request.headers["authorization"].to_str().unwrap();
        assert!(token.starts_with("Bearer "));
        if request.url.path().ends_with("/events") {
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            for event in body["events"].as_array().unwrap() {
                assert!(
                    seen.insert(event["event_id"].to_string()),
                    "an event id is used once"
                );
            }
        }
        if request.method.as_str() == "POST" && !request.url.path().ends_with("/events") {
            assert!(request.headers.contains_key("idempotency-key"));
        }
    }
}

#[tokio::test]
async fn the_duration_ends_it() {
    let server = server().await;
    let mut options = SimulateOptions::new(server.uri().parse().unwrap(), SECRET);
    options.bootstrap = false;
    options.quiet = true;
    options.rate = 100.0;
    options.duration = Some(Duration::from_millis(300));
    let run = run(&options, CancellationToken::new());
    let summary = tokio::time::timeout(Duration::from_secs(20), run)
        .await
        .unwrap()
        .unwrap();
    assert!(summary.succeeded() > 0);
    assert!(
        summary.succeeded() <= 60,
        "no more than the rate allows: {summary}"
    );
}
