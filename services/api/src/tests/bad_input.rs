//! Everything a client can get wrong.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use nova_domain::UserId;
use serde_json::{Value, json as value};

use super::harness::{Answer, ID, SECRET, app, json, problem, request, send};
use crate::auth::sign;

const GET: Method = Method::GET;
const PUT: Method = Method::PUT;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// Every route, with a path that is right.
const ROUTES: [(Method, &str); 14] = [
    (PUT, "/users/me"),
    (PUT, "/users/ID/follow"),
    (DELETE, "/users/ID/follow"),
    (PUT, "/users/ID/block"),
    (DELETE, "/users/ID/block"),
    (POST, "/posts"),
    (GET, "/posts/ID"),
    (DELETE, "/posts/ID"),
    (PUT, "/posts/ID/like"),
    (DELETE, "/posts/ID/like"),
    (GET, "/posts/ID/comments"),
    (POST, "/posts/ID/comments"),
    (DELETE, "/comments/ID"),
    (POST, "/events"),
];

#[tokio::test]
async fn no_route_is_served_without_a_good_token() {
    let app = app();
    let user: UserId = ID.parse().unwrap();
    let other = sign(
        b"another secret of another service",
        user,
        Duration::from_secs(60),
    )
    .unwrap();
    let expired = token_that_expired();
    let reads = ["/feed", "/discover/suggested-users", "/discover/trending"];
    let reads = reads.map(|path| (GET, path));
    for (method, path) in ROUTES.into_iter().chain(reads) {
        let path = path.replace("ID", ID);
        for (authorization, challenge) in [
            (None, r#"Bearer realm="nova""#),
            (
                Some("Basic YWRhOmFkYQ==".to_owned()),
                r#"Bearer realm="nova""#,
            ),
            (Some("Bearer".to_owned()), r#"Bearer realm="nova""#),
            (
                Some("Bearer abc.def.ghi".to_owned()),
                r#"Bearer realm="nova", error="invalid_token""#,
            ),
            (
                Some(format!("Bearer {other}")),
                r#"Bearer realm="nova", error="invalid_token""#,
            ),
            (
                Some(format!("Bearer {expired}")),
                r#"Bearer realm="nova", error="invalid_token""#,
            ),
        ] {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(format!("/api/v1{path}"));
            if let Some(authorization) = &authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let answer = send(&app, request.body(Body::from("not even JSON")).unwrap()).await;
            assert_eq!(
                (answer.status.as_u16(), problem(&answer)),
                (401, "unauthorized"),
                "{method} {path}"
            );
            assert_eq!(
                answer.headers[header::WWW_AUTHENTICATE],
                challenge,
                "{authorization:?}"
            );
        }
    }
}

fn token_that_expired() -> String {
    use jsonwebtoken::{EncodingKey, Header};
    let claims = value!({"sub": ID, "exp": chrono::Utc::now().timestamp() - 3_600});
    jsonwebtoken::encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap()
}

#[tokio::test]
async fn an_id_is_a_hyphenated_uuid() {
    let app = app();
    for (method, path) in ROUTES.into_iter().filter(|(_, path)| path.contains("ID")) {
        for bad in [
            "1",
            "not-a-uuid",
            "0190b5a0000070008000000000000001",
            "%00",
            "%FF",
            "%7B%7D",
        ] {
            let path = path.replace("ID", bad);
            let answer = send(&app, json(method.clone(), &path, "{}")).await;
            assert_eq!(
                (answer.status.as_u16(), problem(&answer)),
                (400, "invalid-parameter"),
                "{method} {path}"
            );
            assert_eq!(answer.body["errors"][0]["parameter"], "id");
        }
    }
}

#[tokio::test]
async fn offset_limit_and_cursor_have_bounds() {
    let app = app();
    for (query, parameter) in [
        ("/feed?offset=-1", "offset"),
        ("/feed?offset=10001", "offset"),
        ("/feed?offset=99999999999999999999", "offset"),
        ("/feed?offset=1e3", "offset"),
        ("/feed?offset=", "offset"),
        ("/feed?limit=0", "limit"),
        ("/feed?limit=-5", "limit"),
        ("/feed?limit=101", "limit"),
        ("/feed?limit=ten", "limit"),
        ("/feed?limit=%00", "limit"),
        ("/feed?limit=10&limit=20", "limit"),
        ("/feed?cursor=", "cursor"),
        ("/feed?cursor=abc", "cursor"),
        ("/feed?cursor=abc&cursor=abc", "cursor"),
        ("/feed?cursor=abc&offset=0", "cursor"),
        ("/feed?cursor=abc&limit=0", "limit"),
        ("/feed?explain=yes", "explain"),
        ("/feed?explain", "explain"),
        ("/feed?explain=true&explain=true", "explain"),
        ("/discover/suggested-users?limit=0", "limit"),
        ("/discover/suggested-users?limit=21", "limit"),
        ("/discover/trending?limit=0", "limit"),
        ("/discover/trending?limit=101", "limit"),
        (
            concat!(
                "/posts/",
                "0190b5a0-0000-7000-8000-000000000001",
                "/comments?limit=101"
            ),
            "limit",
        ),
        (
            concat!(
                "/posts/",
                "0190b5a0-0000-7000-8000-000000000001",
                "/comments?cursor=abc"
            ),
            "cursor",
        ),
    ] {
        let answer = send(&app, request(GET, query).body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), problem(&answer)),
            (400, "invalid-parameter"),
            "{query}"
        );
        assert_eq!(answer.body["errors"][0]["parameter"], parameter, "{query}");
    }
}

fn post() -> Value {
    value!({
        "caption": "hello",
        "media_url": "https://media.example/v/1.mp4",
        "media_type": "video",
        "duration_ms": 15_000,
        "visibility": "public",
    })
}

fn event() -> Value {
    value!({
        "event_id": "0190b5a0-0000-7000-8000-0000000000e1",
        "type": "view",
        "post_id": ID,
        "dwell_ms": 1_500,
        "occurred_at": "2026-01-01T00:00:00Z",
    })
}

fn pointers(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().expect("errors");
    errors
        .iter()
        .map(|e| e["pointer"].as_str().expect("a pointer"))
        .collect()
}

async fn invalid(path: &str, method: Method, body: &Value, expected: &[&str]) {
    let answer = send(&app(), json(method, path, body.to_string())).await;
    assert_eq!(
        (answer.status.as_u16(), problem(&answer)),
        (422, "validation"),
        "{body}"
    );
    assert_eq!(pointers(&answer), expected, "{body} {}", answer.body);
}

#[tokio::test]
async fn a_post_is_checked_field_by_field() {
    let long = "a".repeat(10_001);
    for (field, bad) in [
        ("caption", value!("")),
        ("caption", value!(" \t\n")),
        ("caption", value!(long)),
        ("caption", value!("a\u{0}b")),
        ("caption", value!(7)),
        ("media_url", value!("/v/1.mp4")),
        ("media_url", value!("javascript:alert(1)")),
        ("media_url", value!("https://media.example/\u{0}")),
        ("media_type", value!("audio")),
        ("duration_ms", value!(-1)),
        ("duration_ms", value!(3_600_001)),
        ("duration_ms", value!(1.5)),
        ("duration_ms", value!(null)),
        ("visibility", value!("everyone")),
        ("visibility", value!(null)),
    ] {
        let mut body = post();
        body[field] = bad;
        invalid("/posts", POST, &body, &[&format!("/{field}")]).await;
    }
    let all = value!({"caption": "", "media_url": "x", "media_type": "x", "duration_ms": -1, "visibility": "x"});
    let expected = [
        "/caption",
        "/media_url",
        "/media_type",
        "/duration_ms",
        "/visibility",
    ];
    invalid("/posts", POST, &all, &expected).await;
    // A field that is missing belongs to the whole.
    let mut body = post();
    body.as_object_mut().unwrap().remove("visibility");
    invalid("/posts", POST, &body, &[""]).await;
}

#[tokio::test]
async fn profiles_and_comments_are_checked() {
    let bad = value!({"handle": "a b", "display_name": "\u{0}"});
    invalid("/users/me", PUT, &bad, &["/handle", "/display_name"]).await;
    let comments = format!("/posts/{ID}/comments");
    for bad in ["", "   ", "\u{0}", &"a".repeat(10_001)] {
        invalid(&comments, POST, &value!({"body": bad}), &["/body"]).await;
    }
}

#[tokio::test]
async fn events_are_checked_all_or_none() {
    let many: Vec<_> = (0..501).map(|_| event()).collect();
    invalid("/events", POST, &value!({ "events": many }), &["/events"]).await;
    for (field, bad) in [
        ("type", value!("stare")),
        ("event_id", value!("1")),
        ("post_id", value!("not-a-uuid")),
        ("occurred_at", value!("yesterday")),
        ("occurred_at", value!("2026-13-01T00:00:00Z")),
        ("dwell_ms", value!(-1)),
        ("dwell_ms", value!(86_400_001)),
        ("dwell_ms", value!("1500")),
    ] {
        let mut bad_event = event();
        bad_event[field] = bad;
        let body = value!({"events": [event(), bad_event]});
        invalid("/events", POST, &body, &[&format!("/events/1/{field}")]).await;
    }
    // Thousands of mistakes are not thousands of lines.
    let wrong = value!({"event_id": "", "type": "", "post_id": "", "occurred_at": ""});
    let body = value!({"events": vec![wrong; 500]});
    let answer = send(&app(), json(POST, "/events", body.to_string())).await;
    assert_eq!(pointers(&answer).len(), 20);
}

#[tokio::test]
async fn a_body_is_json_of_bounded_size() {
    let app = app();
    for bad in [
        "",
        "{",
        "{\"caption\": \"raw \u{0} NUL\"}",
        "{} {}",
        "{'caption': 1}",
        "[1,]",
    ] {
        let answer = send(&app, json(POST, "/posts", bad.to_owned())).await;
        assert_eq!(
            (answer.status.as_u16(), problem(&answer)),
            (400, "invalid-json"),
            "{bad}"
        );
    }
    let answer = send(&app, json(POST, "/posts", vec![b'{', 0xff, b'}'])).await;
    assert_eq!(answer.status.as_u16(), 400);

    let mut large = post();
    large["caption"] = value!("a".repeat(100_000));
    for (path, body) in [
        ("/posts".to_owned(), large.to_string()),
        (
            format!("/posts/{ID}/comments"),
            value!({"body": "a".repeat(70_000)}).to_string(),
        ),
        ("/events".to_owned(), " ".repeat(600_000)),
    ] {
        // With its length told and without.
        let told = Body::from(body.clone());
        let stream = Body::new(http_body_util::StreamBody::new(chunks(body)));
        for body in [told, stream] {
            let answer = send(&app, json(POST, &path, body)).await;
            assert_eq!(
                (answer.status.as_u16(), problem(&answer)),
                (413, "body-too-large"),
                "{path}"
            );
        }
    }

    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=latin1"),
    ] {
        for path in ["/posts", "/events"] {
            let mut request = request(POST, path);
            if let Some(content_type) = content_type {
                request = request.header(header::CONTENT_TYPE, content_type);
            }
            let answer = send(&app, request.body(Body::from(post().to_string())).unwrap()).await;
            assert_eq!(
                (answer.status.as_u16(), problem(&answer)),
                (415, "unsupported-media-type")
            );
        }
    }
}

type Frame = Result<http_body::Frame<bytes::Bytes>, std::convert::Infallible>;

fn chunks(body: String) -> impl futures::Stream<Item = Frame> {
    let frames: Vec<Frame> = body
        .into_bytes()
        .chunks(1_000)
        .map(|chunk| Ok(http_body::Frame::data(bytes::Bytes::copy_from_slice(chunk))))
        .collect();
    futures::stream::iter(frames)
}

#[tokio::test]
async fn nobody_follows_or_blocks_themselves() {
    let app = app();
    let user = UserId::generate();
    let token = sign(SECRET.as_bytes(), user, Duration::from_secs(60)).unwrap();
    for edge in ["follow", "block"] {
        for method in [PUT, DELETE] {
            let request = Request::builder()
                .method(method)
                .uri(format!("/api/v1/users/{user}/{edge}"))
                .header(header::AUTHORIZATION, format!("bearer {token}"));
            let answer = send(&app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                (answer.status.as_u16(), problem(&answer)),
                (422, "self-reference")
            );
        }
    }
}

#[tokio::test]
async fn an_idempotency_key_has_a_form() {
    for bad in ["", "two words", &"k".repeat(256)] {
        let request = request(POST, "/posts")
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", bad)
            .body(Body::from(post().to_string()))
            .unwrap();
        let answer = send(&app(), request).await;
        assert_eq!(
            (answer.status.as_u16(), problem(&answer)),
            (400, "invalid-parameter")
        );
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let app = app();
    let get = |uri: &str| Request::get(uri).body(Body::empty()).unwrap();
    for uri in [
        "/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/feed",
        "/api/v1/feed/",
        "/api/v1/users/me/follow/x",
        "/health/live",
        "/metrics",
    ] {
        let answer = send(&app, get(uri)).await;
        assert_eq!(
            (answer.status.as_u16(), problem(&answer)),
            (404, "not-found"),
            "{uri}"
        );
    }
    for (uri, allow) in [
        ("/api/v1/posts", "POST"),
        ("/api/v1/users/me", "PUT"),
        ("/api/v1/events", "POST"),
    ] {
        let answer = send(&app, get(uri)).await;
        assert_eq!(
            (answer.status.as_u16(), problem(&answer)),
            (405, "method-not-allowed"),
            "{uri}"
        );
        assert_eq!(answer.headers[header::ALLOW], allow);
    }
}

#[tokio::test]
async fn what_is_right_gets_as_far_as_the_servers() {
    let app = app();
    let body = |path: &str| match path {
        "/users/me" => value!({"handle": "ada", "display_name": "Ada"}),
        "/events" => value!({"events": [event()]}),
        path if path.ends_with("/comments") => value!({"body": "nice"}),
        _ => post(),
    };
    for (method, path) in ROUTES
        .into_iter()
        .chain([(GET, "/feed?offset=0&limit=100&unknown=1")])
    {
        let answer = send(
            &app,
            json(
                method.clone(),
                &path.replace("ID", ID),
                body(path).to_string(),
            ),
        )
        .await;
        assert_eq!(
            (answer.status.as_u16(), problem(&answer)),
            (503, "unavailable"),
            "{method} {path}"
        );
        assert!(
            answer.headers.contains_key(header::RETRY_AFTER),
            "{method} {path}"
        );
    }
    // Nobody is shown to whom they may hide from; a list of trending posts can be empty and say why.
    let get = |path: &str| request(GET, path).body(Body::empty()).unwrap();
    let answer = send(&app, get("/discover/suggested-users")).await;
    assert_eq!(
        (answer.status.as_u16(), problem(&answer)),
        (503, "unavailable")
    );
    let answer = send(&app, get("/discover/trending?limit=100")).await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.body["served_from"], "fallback");
    assert_ne!(answer.body["degraded"], value!([]));
}
