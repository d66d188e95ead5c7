//! Viewers: a page of the feed, sometimes the next two, what was seen reported, now and then a follow.

use std::time::Duration;

use chrono::Utc;
use goose::goose::{GooseMethod, GooseUser};
use nova_domain::{EventId, PostId, UserId};
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::{Run, second};
use crate::api::Ask;
use crate::arrivals::{Due, Visit};
use crate::measurements::{CacheStatus, Flow, Measure};
use crate::server_timing;

/// Posts on a page: the API's default.
const LIMIT: usize = 20;

/// What is read of a page.
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
    served_from: String,
    degraded: Vec<String>,
    #[serde(default)]
    restarted: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Item {
    post_id: PostId,
    author_id: UserId,
    viewer: Relation,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Relation {
    liked: bool,
}

/// Serves visits until there are no more.
pub(crate) async fn views(run: &Run, user: &mut GooseUser) {
    while let Some(due) = run.queues.visits.next(&run.recorder).await {
        visit(run, user, due).await;
    }
}

async fn visit(run: &Run, user: &mut GooseUser, due: Due<Visit>) {
    let Visit {
        viewer,
        pages,
        seed,
    } = due.what;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut at = due.at;
    let mut cursor: Option<String> = None;
    let mut seen: Vec<Item> = Vec::new();
    for left in (0..pages).rev() {
        let read = read(run, user, viewer, cursor.as_deref(), at, due.measured).await;
        let Some((page, ended)) = read else {
            if due.measured.is_some() {
                run.recorder.given_up(u64::from(left));
            }
            break;
        };
        let looked_at = run.behaviour.seen_of(page.items.len(), &mut rng);
        seen.extend(page.items.iter().take(looked_at));
        if left == 0 {
            break;
        }
        if page.next_cursor.is_none() {
            if due.measured.is_some() {
                run.recorder.ended(u64::from(left));
            }
            break;
        }
        cursor = page.next_cursor;
        // Nobody asks for the next page before this one is there: it is due from here on.
        at = ended + Duration::from_secs_f64(run.behaviour.thinks(&mut rng));
        sleep_until(at).await;
    }
    for item in &seen {
        if !item.viewer.liked && rng.random_bool(run.behaviour.liked) {
            run.wishes.push((viewer, item.post_id));
        }
    }
    report(run, user, viewer, &seen, due.measured).await;
    if rng.random_bool(run.behaviour.followed)
        && let Some(item) = seen.choose(&mut rng)
    {
        follow(run, user, viewer, item.author_id, due.measured).await;
    }
}

/// Reads a page that is due at `at`; none when it failed. Gives when the page was there.
async fn read(
    run: &Run,
    user: &mut GooseUser,
    viewer: UserId,
    cursor: Option<&str>,
    at: Instant,
    measured: Option<Duration>,
) -> Option<(Page, Instant)> {
    // Cursors are URL-safe base64.
    let path = match cursor {
        None => format!("/api/v1/feed?limit={LIMIT}"),
        Some(cursor) => format!("/api/v1/feed?limit={LIMIT}&cursor={cursor}"),
    };
    let ask = Ask::new(GooseMethod::Get, &path, "feed");
    let asked = run.ask(user, viewer, ask, measured).await;
    if measured.is_some() {
        run.recorder.done(Flow::Reads);
    }
    let answer = asked.answer.ok()?;
    let page: Result<Page, _> = serde_json::from_slice(&answer.body);
    if let Some(into) = measured {
        let second = second(into);
        match &page {
            Err(_) => run
                .recorder
                .error("feed", "an answer of another form", second),
            // What there is when nothing can be ranked is better than nothing, but it is not the feed.
            Ok(page) if page.served_from == "fallback" => {
                run.recorder.error("feed", "served from a fallback", second);
            }
            Ok(_) => {
                let (latency, service) = (asked.ended - at, asked.ended - asked.sent);
                let status = cache_status(&answer.headers);
                run.recorder.read(status, second, latency, service);
                sources(run, &answer.headers);
            }
        }
    }
    let page = page.ok()?;
    if measured.is_some() {
        for what in &page.degraded {
            run.recorder.degraded(what);
        }
        if page.restarted.is_some() {
            run.recorder.restarted();
        }
    }
    Some((page, asked.ended))
}

fn cache_status(headers: &HeaderMap) -> CacheStatus {
    match headers.get("x-nova-cache").map(|value| value.as_bytes()) {
        Some(b"hit") => CacheStatus::Hit,
        Some(b"stale") => CacheStatus::Stale,
        _ => CacheStatus::Miss,
    }
}

/// What ClickHouse took, where the answer says so.
fn sources(run: &Run, headers: &HeaderMap) {
    let timing = headers.get("server-timing").and_then(|v| v.to_str().ok());
    for (name, took) in timing.into_iter().flat_map(server_timing::durations) {
        if let Some(measure) = Measure::of_source(name) {
            run.recorder.took(measure, took, took);
        }
    }
}

/// Sends impressions of what was seen, as clients do: one batch a visit.
async fn report(
    run: &Run,
    user: &mut GooseUser,
    viewer: UserId,
    seen: &[Item],
    measured: Option<Duration>,
) {
    if seen.is_empty() {
        return;
    }
    let now = Utc::now().to_rfc3339();
    let events: Vec<Value> = seen
        .iter()
        .map(|item| {
            json!({
                "event_id": EventId::generate(), "type": "impression", "post_id": item.post_id,
                "occurred_at": now,
            })
        })
        .collect();
    let ask =
        Ask::new(GooseMethod::Post, "/api/v1/events", "events").body(json!({"events": events}));
    let due = Instant::now();
    run.timed(user, viewer, ask, Measure::Events, due, measured)
        .await;
}

async fn follow(
    run: &Run,
    user: &mut GooseUser,
    viewer: UserId,
    author: UserId,
    measured: Option<Duration>,
) {
    let path = format!("/api/v1/users/{author}/follow");
    let ask = Ask::new(GooseMethod::Put, &path, "follow");
    let due = Instant::now();
    run.timed(user, viewer, ask, Measure::Follow, due, measured)
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_hits_from_misses() {
        let status = |value: &'static str| {
            let headers = [("x-nova-cache", value)].map(|(name, value)| {
                (
                    reqwest::header::HeaderName::from_static(name),
                    reqwest::header::HeaderValue::from_static(value),
                )
            });
            cache_status(&headers.into_iter().collect())
        };
        assert_eq!(status("hit"), CacheStatus::Hit);
        assert_eq!(status("stale"), CacheStatus::Stale);
        assert_eq!(status("miss"), CacheStatus::Miss);
        assert_eq!(cache_status(&HeaderMap::new()), CacheStatus::Miss);
    }
}
