//! Bad input to the API: each a problem document, and nothing written.

use std::time::{SystemTime, UNIX_EPOCH};

use nova_domain::{EventId, PostId, UserId};
use nova_e2e::{Person, World, new_post, run, shared};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// Sends, and requires a problem document with this status.
async fn refused(request: RequestBuilder, status: u16) -> Value {
    let response: Response = request.send().await.unwrap();
    let found = response.status().as_u16();
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .map(|kind| kind.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    assert_eq!(kind.as_deref(), Some("application/problem+json"), "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status, "{text}");
    for member in ["type", "title", "request_id"] {
        assert!(problem[member].is_string(), "{member}: {text}");
    }
    for internal in ["sqlx", "postgres", "clickhouse", "panicked", ".rs:"] {
        assert!(!text.to_lowercase().contains(internal), "{text}");
    }
    problem
}

/// Everything that a person could have written.
async fn written_by(world: &World, id: UserId) -> i64 {
    world
        .sql_number(&format!(
            "SELECT (SELECT count(*) FROM posts WHERE author_id = '{id}')
                  + (SELECT count(*) FROM likes WHERE user_id = '{id}')
                  + (SELECT count(*) FROM comments WHERE user_id = '{id}')
                  + (SELECT count(*) FROM follows WHERE follower_id = '{id}')
                  + (SELECT count(*) FROM blocks WHERE blocker_id = '{id}')"
        ))
        .await
}

struct Scene {
    world: nova_e2e::Shared,
    person: Person,
    /// Somebody else's.
    post: PostId,
}

async fn scene() -> Scene {
    let world = shared().await;
    let person = world.person().await;
    let post = world.person().await.post("somebody else's").await;
    Scene {
        world,
        person,
        post,
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

#[test]
fn without_a_good_token_nothing_is_served() {
    run(async {
        let Scene {
            world,
            person,
            post,
        } = scene().await;
        let url = format!("{}/api/v1/posts/{post}/like", world.stack.endpoints().api);
        let sub = person.id.to_string();
        let good = world.token(&json!({"sub": sub, "exp": now() + 60}));
        let (head, signature) = good.rsplit_once('.').unwrap();
        let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
        let tokens = [
            String::new(),
            "not-a-token".to_owned(),
            forged,
            // {"alg":"none"}
            format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap()),
            world.token(&json!({"sub": sub, "exp": now() - 3600})),
            world.token(&json!({"sub": sub})),
            world.token(&json!({"sub": "somebody", "exp": now() + 60})),
            world.token(&json!({"exp": now() + 60})),
        ];
        refused(world.http.put(&url), 401).await;
        refused(world.http.put(&url).basic_auth("nova", Some("nova")), 401).await;
        for token in tokens {
            refused(world.http.put(&url).bearer_auth(token), 401).await;
        }
        assert_eq!(written_by(&world, person.id).await, 0);
    });
}

#[test]
fn ids_that_are_none_and_ids_of_nobody() {
    run(async {
        let Scene { world, person, .. } = scene().await;
        for bad in [
            "1",
            "not-a-uuid",
            "0190b5a0-0000-7000-8000-00000000000g",
            "%00",
            "..%2f..%2fetc",
        ] {
            for path in [
                format!("/posts/{bad}/like"),
                format!("/users/{bad}/follow"),
                format!("/users/{bad}/block"),
            ] {
                refused(person.request(Method::PUT, &path), 400).await;
            }
            refused(person.request(Method::GET, &format!("/posts/{bad}")), 400).await;
            refused(
                person.request(Method::DELETE, &format!("/comments/{bad}")),
                400,
            )
            .await;
        }
        let nobody = Uuid::now_v7();
        for path in [
            format!("/posts/{nobody}/like"),
            format!("/users/{nobody}/follow"),
            format!("/users/{nobody}/block"),
        ] {
            refused(person.request(Method::PUT, &path), 404).await;
        }
        refused(
            person.request(Method::GET, &format!("/posts/{nobody}")),
            404,
        )
        .await;
        refused(
            person.request(Method::DELETE, &format!("/posts/{nobody}")),
            404,
        )
        .await;
        refused(
            person.request(Method::DELETE, &format!("/comments/{nobody}")),
            404,
        )
        .await;
        let comment = json!({"body": "to nobody"});
        refused(
            person
                .request(Method::POST, &format!("/posts/{nobody}/comments"))
                .json(&comment),
            404,
        )
        .await;
        for path in [
            format!("/users/{}/follow", person.id),
            format!("/users/{}/block", person.id),
        ] {
            refused(person.request(Method::PUT, &path), 422).await;
        }
        assert_eq!(written_by(&world, person.id).await, 0);
    });
}

#[test]
fn pages_out_of_range() {
    run(async {
        let Scene { person, .. } = scene().await;
        for query in [
            "offset=-1",
            "offset=abc",
            "offset=99999999999999999999",
            "offset=4294967296",
            "limit=0",
            "limit=-5",
            "limit=101",
            "limit=99999999999999999999",
            "limit=ten",
            "offset=1.5",
            "limit=",
        ] {
            refused(person.request(Method::GET, &format!("/feed?{query}")), 400).await;
        }
        person.page(0, 1).await;
        person.page(0, 100).await;
    });
}

#[test]
fn posts_and_comments_out_of_their_limits() {
    run(async {
        let Scene {
            world,
            person,
            post,
        } = scene().await;
        let with = |field: &str, value: Value| {
            let mut body = new_post("a caption", "public");
            body[field] = value;
            body
        };
        let bad = [
            with("caption", json!("")),
            with("caption", json!("  \n ")),
            with("caption", json!("x".repeat(10_001))),
            with("caption", json!("nul \0 inside")),
            with("media_url", json!("/relative")),
            with("media_url", json!("javascript:alert(1)")),
            with("media_url", json!("https://media.example/\0")),
            with("media_type", json!("audio")),
            with("visibility", json!("everyone")),
            with("duration_ms", json!(3_600_001)),
        ];
        for body in bad {
            refused(person.request(Method::POST, "/posts").json(&body), 422).await;
        }
        for body in ["", " ", "nul \0 inside"] {
            let request = person.request(Method::POST, &format!("/posts/{post}/comments"));
            refused(request.json(&json!({"body": body})), 422).await;
        }
        // 100 kB of caption do not fit into a request at all.
        let huge = with("caption", json!("x".repeat(100_000)));
        let response = person
            .request(Method::POST, "/posts")
            .json(&huge)
            .send()
            .await
            .unwrap();
        assert!(
            [413, 422].contains(&response.status().as_u16()),
            "{}",
            response.status()
        );
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(written_by(&world, person.id).await, 0);
    });
}

#[test]
fn bodies_that_are_not_what_they_should_be() {
    run(async {
        let Scene { world, person, .. } = scene().await;
        let post = || person.request(Method::POST, "/posts");
        for broken in ["", "{", "not json", "{\"caption\": \"a\",}"] {
            refused(
                post().header(CONTENT_TYPE, "application/json").body(broken),
                400,
            )
            .await;
        }
        let good = new_post("a caption", "public").to_string();
        refused(
            post().header(CONTENT_TYPE, "text/plain").body(good.clone()),
            415,
        )
        .await;
        refused(
            post()
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body("caption=a"),
            415,
        )
        .await;
        refused(post().body(good), 415).await;
        let oversized = format!("{{\"caption\": \"{}\"}}", "x".repeat(3_000_000));
        refused(
            post()
                .header(CONTENT_TYPE, "application/json")
                .body(oversized),
            413,
        )
        .await;
        refused(person.request(Method::GET, "/no/such/route"), 404).await;
        refused(person.request(Method::PATCH, "/posts"), 405).await;
        assert_eq!(written_by(&world, person.id).await, 0);
    });
}

#[test]
fn events_out_of_their_limits() {
    run(async {
        let Scene {
            world,
            person,
            post,
        } = scene().await;
        let event = |kind: &str, post: PostId| json!({"event_id": EventId::generate(), "type": kind, "post_id": post, "occurred_at": chrono::Utc::now()});
        let send = |events: Value| {
            person
                .request(Method::POST, "/events")
                .json(&json!({"events": events}))
        };
        let many: Vec<Value> = (0..501).map(|_| event("view", post)).collect();
        refused(send(json!(many)), 422).await;
        refused(send(json!([event("view", post), event("zap", post)])), 422).await;
        refused(
            send(json!([
                event("view", post),
                event("view", PostId::generate())
            ])),
            422,
        )
        .await;
        let mut wrong = event("view", post);
        wrong["event_id"] = json!("not-a-uuid");
        refused(send(json!([event("view", post), wrong])), 422).await;

        // A good event behind them arrives, and it is the only one.
        person.events(json!([event("view", post)])).await;
        nova_e2e::wait_until("the good event", crate::ARRIVES, || async {
            let query = format!(
                "SELECT count() FROM events_raw WHERE user_id = '{}'",
                person.id
            );
            if world.number(&query).await? == 1 {
                Ok(())
            } else {
                Err("not yet".to_owned())
            }
        })
        .await;
    });
}

#[test]
fn a_handle_belongs_to_one_person() {
    run(async {
        let Scene { world, person, .. } = scene().await;
        let taken: String = sqlx::query_scalar("SELECT handle FROM users WHERE user_id = $1")
            .bind(person.id.uuid())
            .fetch_one(&world.postgres)
            .await
            .unwrap();
        let other = world.stranger(UserId::generate());
        let profile = json!({"handle": taken, "display_name": "Another"});
        refused(other.request(Method::PUT, "/users/me").json(&profile), 409).await;
        assert_eq!(
            world
                .sql_number(&format!(
                    "SELECT count(*) FROM users WHERE user_id = '{}'",
                    other.id
                ))
                .await,
            0
        );
        // Without a profile there is nobody who could post.
        let response = other
            .request(Method::POST, "/posts")
            .json(&new_post("a caption", "public"))
            .send()
            .await
            .unwrap();
        assert!(response.status().is_client_error(), "{}", response.status());
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(written_by(&world, other.id).await, 0);
    });
}
