//! Client events: once each, whatever the client's clock and its retries say.

use chrono::{TimeDelta, Utc};
use nova_domain::{EventId, PostId};
use nova_e2e::{run, shared, wait_until};
use serde_json::{Value, json};

use crate::ARRIVES;

fn event(kind: &str, post: PostId) -> Value {
    json!({"event_id": EventId::generate(), "type": kind, "post_id": post, "occurred_at": Utc::now()})
}

#[test]
fn a_duplicate_event_counts_once() {
    run(async {
        let world = shared().await;
        let author = world.person().await;
        let viewer = world.person().await;
        let post = author.post("seen").await;
        let share = event("share", post);
        let impression = event("impression", post);
        // In one request, in the next one, and in one of its own.
        viewer.events(json!([share, share, impression])).await;
        viewer.events(json!([share, impression, impression])).await;
        viewer.events(json!([event("view", post)])).await;

        world
            .becomes(
                &format!("SELECT count() FROM events_raw FINAL WHERE post_id = '{post}'"),
                3,
                ARRIVES,
            )
            .await;
        let metrics = "SELECT sum(impressions) * 100 + sum(views) * 10 + sum(shares) FROM post_metrics_1h FINAL";
        world
            .becomes(&format!("{metrics} WHERE post_id = '{post}'"), 111, ARRIVES)
            .await;
        world
            .becomes(
                &format!("SELECT shares FROM post_ranking_scores WHERE post_id = '{post}'"),
                1,
                ARRIVES,
            )
            .await;
        let edges = format!(
            "SELECT count() FROM user_author_90d FINAL WHERE user_id = '{}' AND kind = 'share'",
            viewer.id
        );
        world.becomes(&edges, 1, ARRIVES).await;
    });
}

#[test]
fn two_people_may_use_the_same_event_id() {
    run(async {
        let world = shared().await;
        let author = world.person().await;
        let post = author.post("seen by two").await;
        let same = event("impression", post);
        for viewer in world.people(2).await {
            viewer.events(json!([same])).await;
        }
        world
            .becomes(
                &format!("SELECT impressions FROM post_ranking_scores WHERE post_id = '{post}'"),
                2,
                ARRIVES,
            )
            .await;
    });
}

#[test]
fn client_clocks_are_clamped() {
    run(async {
        let world = shared().await;
        let author = world.person().await;
        let viewer = world.person().await;
        let post = author.post("out of time").await;
        let mut future = event("view", post);
        future["occurred_at"] = json!(Utc::now() + TimeDelta::days(365));
        let mut past = event("view", post);
        past["occurred_at"] = json!(Utc::now() - TimeDelta::days(365));
        viewer.events(json!([future, past])).await;

        world
            .becomes(
                &format!("SELECT count() FROM events_raw FINAL WHERE post_id = '{post}'"),
                2,
                ARRIVES,
            )
            .await;
        let outside = "countIf(occurred_at > now64(3) + INTERVAL 5 SECOND OR occurred_at < now64(3) - INTERVAL 169 HOUR)";
        world
            .becomes(
                &format!("SELECT {outside} FROM events_raw FINAL WHERE post_id = '{post}'"),
                0,
                ARRIVES,
            )
            .await;
    });
}

#[test]
fn shares_and_impressions_reach_score_and_counts() {
    run(async {
        let world = shared().await;
        let author = world.person().await;
        let post = author.post("shared").await;
        let fans = world.people(2).await;
        for fan in &fans {
            fan.events(json!([event("impression", post), event("share", post)]))
                .await;
        }
        // engagement = ln(1 + 3 * 2 shares / 2 impressions), as the contract says.
        let engagement = (1.0_f64 + 6.0 / 2.0).ln();
        wait_until("the score", ARRIVES, || async {
            // Events do not make a new ranking: each look is the first of somebody.
            let viewer = world.person().await;
            viewer.follow(author.id).await;
            let feed = viewer.feed_when_there().await?;
            let item = feed.item(post).ok_or("not in the feed")?;
            let bounds = (0.30 * 0.99 + 0.40 * engagement)..=(0.30 + 0.40 * engagement + 1e-9);
            if item.counts.shares == 2 && bounds.contains(&item.score) {
                Ok(())
            } else {
                Err(format!("{item:?}"))
            }
        })
        .await;
    });
}
