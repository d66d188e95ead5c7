//! What the feed asks beside the sources: what a viewer has seen, and what posts show. On the real engine.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::{MediaType, PostId, UserId, Visibility};
use nova_olap::{Olap, OlapConfig, OlapError, schema};
use nova_testbed::Stack;
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(20);

async fn start() -> (Olap, Stack) {
    let stack = nova_testbed::clickhouse().await.expect("ClickHouse starts");
    let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
    let olap = Olap::new(&config);
    schema::apply(&olap).await.unwrap();
    (olap, stack)
}

async fn run(olap: &Olap, statement: &str) {
    olap.client()
        .query(&statement.replace('?', "??"))
        .execute()
        .await
        .unwrap();
}

fn post(n: u128) -> PostId {
    PostId::new(Uuid::from_u128(n))
}

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

/// A client event, as the view that decodes hands it on.
fn event(event: u128, user: u128, kind: &str, post: u128, at: DateTime<Utc>) -> String {
    let id = Uuid::from_u128;
    let (event, user, post, author) = (id(event), id(user), id(post), id(900));
    let at = format!("fromUnixTimestamp64Milli({}, 'UTC')", at.timestamp_millis());
    format!("('{event}', '{user}', '{kind}', '{post}', '{author}', NULL, {at}, {at}, 1)")
}

async fn insert_events(olap: &Olap, events: &[String]) {
    run(
        olap,
        &format!("INSERT INTO events_raw VALUES {}", events.join(", ")),
    )
    .await;
}

#[tokio::test]
async fn what_a_viewer_has_seen() {
    let (olap, _stack) = start().await;
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
    let ago = |hours: i64| now - TimeDelta::hours(hours);
    // At the edge of 48 hours, and a millisecond inside.
    let inside = ago(48) + TimeDelta::milliseconds(1);
    let events = [
        event(1, 1, "impression", 11, ago(1)),
        event(2, 1, "impression", 12, inside),
        event(3, 1, "impression", 13, ago(48)),
        // Seen long ago and lately: the last time counts, in whatever order they come.
        event(4, 1, "impression", 14, ago(2)),
        event(5, 1, "impression", 14, ago(60)),
        event(6, 1, "impression", 15, ago(60)),
        // Others, and what is no impression.
        event(7, 2, "impression", 16, ago(1)),
        event(8, 1, "view", 17, ago(1)),
        event(9, 1, "share", 17, ago(1)),
    ];
    insert_events(&olap, &events[..4]).await;
    insert_events(&olap, &events[4..]).await;
    let seen = async |viewer, hours, most| {
        olap.viewer_impressions(user(viewer), now, hours, most, DEADLINE)
            .await
            .unwrap()
    };
    let set = |posts: &[u128]| posts.iter().map(|n| post(*n)).collect::<HashSet<_>>();
    let check = async || {
        assert_eq!(seen(1, 48, 5_000).await, set(&[11, 12, 14]));
        assert_eq!(seen(1, 72, 5_000).await, set(&[11, 12, 13, 14, 15]));
        // Those seen last.
        assert_eq!(seen(1, 48, 2).await, set(&[11, 14]));
        assert_eq!(seen(2, 48, 5_000).await, set(&[16]));
        assert_eq!(seen(3, 48, 5_000).await, set(&[]));
    };
    check().await;
    // Everything again, and merged: nothing changes.
    insert_events(&olap, &events).await;
    check().await;
    run(&olap, "OPTIMIZE TABLE user_impressions_2d FINAL").await;
    check().await;

    run(&olap, "RENAME TABLE user_impressions_2d TO away").await;
    let error = olap
        .viewer_impressions(user(1), now, 48, 10, DEADLINE)
        .await
        .unwrap_err();
    assert!(matches!(error, OlapError::Query(_)), "{error:?}");
}

#[tokio::test]
async fn what_posts_show() {
    let (olap, _stack) = start().await;
    let row = |n: u128, caption: &str, visibility: &str, deleted_at: &str, version, deleted| {
        format!(
            "('{}', '{}', '{caption}', 'https://media.example/?n={n}', 'video', 1500, '{visibility}', \
             toDateTime64('2026-01-02 03:04:05.678901', 6, 'UTC'), now64(6), {deleted_at}, {version}, {deleted})",
            Uuid::from_u128(n),
            Uuid::from_u128(900),
        )
    };
    for rows in [
        [
            row(1, "first", "public", "NULL", 1, 0),
            row(2, "other", "followers", "NULL", 2, 0),
            row(3, "gone", "public", "NULL", 3, 0),
            row(4, "erased", "public", "NULL", 4, 0),
            row(5, "strange", "nobody", "NULL", 5, 0),
        ]
        .as_slice(),
        &[
            row(1, "edited", "private", "NULL", 6, 0),
            row(3, "gone", "public", "now64(6)", 7, 0),
            row(4, "erased", "public", "NULL", 8, 1),
        ],
    ] {
        run(
            &olap,
            &format!("INSERT INTO posts_cdc VALUES {}", rows.join(", ")),
        )
        .await;
    }
    let all: Vec<PostId> = (1..8).chain(1..3).map(post).collect();
    let bodies = olap.post_bodies(&all, DEADLINE).await.unwrap();
    assert_eq!(
        bodies.keys().copied().collect::<HashSet<_>>(),
        HashSet::from([post(1), post(2)])
    );
    let body = &bodies[&post(1)];
    assert_eq!(
        (body.caption.as_str(), body.visibility, body.media_type),
        ("edited", Visibility::Private, MediaType::Video)
    );
    assert_eq!(body.author_id, user(900));
    assert_eq!(body.media_url, "https://media.example/?n=1");
    assert_eq!(body.duration_ms, 1_500);
    assert_eq!(body.created_at.timestamp_micros() % 1_000_000, 678_901);
    assert!(olap.post_bodies(&[], DEADLINE).await.unwrap().is_empty());
}
