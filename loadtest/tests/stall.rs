//! A server that stalls is seen in the percentiles, although users who wait for it send nothing meanwhile.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test: a panic is the failure to report"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use nova_domain::{PostId, UserId};
use nova_loadtest::Behaviour;
use nova_loadtest::attack::{Plan, Users, run};
use nova_loadtest::audience::Habits;
use nova_loadtest::measurements::Measure;
use nova_loadtest::people::People;
use nova_loadtest::schedule::{Phases, Rates};
use nova_loadtest::summary::Summary;
use nova_loadtest::thresholds::{Gate, judge};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

const MEASURED: Duration = Duration::from_secs(8);

/// An API that answers at once, but nothing between the two moments.
async fn api(stall: Option<(Instant, Instant)>) -> String {
    let pause = move || async move {
        if let Some((from, to)) = stall
            && Instant::now() >= from
        {
            sleep_until(to).await;
        }
    };
    let author = UserId::generate();
    let posts: Arc<Vec<PostId>> = Arc::new((0..20).map(|_| PostId::generate()).collect());
    let feed = move || {
        let posts = Arc::clone(&posts);
        async move {
            pause().await;
            let items: Vec<Value> = posts
                .iter()
                .map(|post| json!({"post_id": post, "author_id": author, "viewer": {"liked": false}}))
                .collect();
            let page = json!({"items": items, "next_cursor": null, "served_from": "cache", "degraded": []});
            (
                [("x-nova-cache", "hit"), ("server-timing", "cache;dur=0.2")],
                Json(page),
            )
        }
    };
    let done = move |status: StatusCode| {
        move || async move {
            pause().await;
            status
        }
    };
    let app = Router::new()
        .route("/api/v1/feed", get(feed))
        .route("/api/v1/events", post(done(StatusCode::ACCEPTED)))
        .route("/api/v1/posts/{id}/like", put(done(StatusCode::NO_CONTENT)))
        .route(
            "/api/v1/users/{id}/follow",
            put(done(StatusCode::NO_CONTENT)),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// 50 reads and 5 likes a second by four and two users.
async fn measure(api: String) -> Summary {
    let people = People {
        users: (0..1_000).map(|_| UserId::generate()).collect(),
        posts: vec![PostId::generate()],
        all_posts: 1,
        all_likes: 0,
    };
    let plan = Plan {
        api,
        auth_secret: "0123456789abcdef0123456789abcdef".to_owned(),
        rates: Rates {
            reads: 50.0,
            likes: 5.0,
            posts: 0.0,
            suggested: 0.0,
            trending: 0.0,
        },
        deeper: 0.0,
        habits: Habits {
            gap: 5.0,
            visits: 24.0,
        },
        behaviour: Behaviour::default(),
        probes: 0.0,
        phases: Phases {
            ramp: Duration::ZERO,
            warm_up: Duration::from_secs(1),
            measured: MEASURED,
        },
        seed: 1,
        users: Some(Users {
            viewers: 4,
            writers: 2,
            explorers: 1,
        }),
    };
    run(&plan, people, |_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_for_two_seconds_is_seen_in_the_percentiles() {
    // The run begins two seconds after the call, and measures from one second later on.
    let from = Instant::now() + Duration::from_secs(5);
    let summary = measure(api(Some((from, from + Duration::from_secs(2)))).await).await;
    let feed = summary.latency(Measure::FeedHit).unwrap();
    // A quarter of the window: whoever came in it waited for the rest of it.
    assert!(feed.p90 > 700.0, "{feed:?}");
    assert!(feed.p95 > 1_000.0, "{feed:?}");
    assert!(feed.max > 1_700.0, "{feed:?}");
    // Four users wait, four requests are slow: to a closed loop the server never stalled.
    assert!(feed.service_p95 < feed.p95 / 2.0, "{feed:?}");
    let reads = &summary.rates[0];
    assert_eq!(reads.done, reads.planned, "nobody was left out: {reads:?}");
    let breaches = judge(&summary, Gate::Levels).breaches;
    let named = breaches
        .iter()
        .any(|breach| breach.starts_with("feed hit, p95"));
    assert!(named, "{breaches:?}");
    let slow = summary
        .timeline
        .iter()
        .filter(|m| m.p95.is_some_and(|p95| p95 > 500.0));
    assert!((1..8).contains(&slow.count()), "{:?}", summary.timeline);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_server_without_the_stall_is_fast_and_its_errors_are_counted() {
    let summary = measure(api(None).await).await;
    let feed = summary.latency(Measure::FeedHit).unwrap();
    assert!(feed.p50 < 150.0, "{feed:?}");
    assert_eq!(summary.errors.failed, 0, "{:?}", summary.errors);
    let asked = 50.0 * MEASURED.as_secs_f64();
    let count = f64::from(u32::try_from(feed.count).unwrap());
    assert!((asked * 0.8..asked * 1.2).contains(&count), "{count} reads");
    assert!(summary.feed.hit_rate.is_some_and(|rate| rate > 0.999));
    for rate in &summary.rates {
        assert_eq!(rate.done, rate.planned, "{rate:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_nothing_but_errors() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let summary = measure(address).await;
    assert_eq!(summary.errors.failed, summary.errors.requests);
    assert!(summary.errors.requests > 200, "{:?}", summary.errors);
    assert_eq!(summary.errors.by_reason[0].what, "feed: no connection");
    assert!(!judge(&summary, Gate::Levels).passed());
}
