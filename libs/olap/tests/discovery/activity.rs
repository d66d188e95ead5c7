//! Who is active.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::engine::{self, DEADLINE, insert};
use crate::rows::EventRow;

#[tokio::test]
async fn the_most_active_are_those_with_most_distinct_events_of_the_window() {
    let (olap, _stack) = engine::start().await;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let now = Utc::now();
    let users: Vec<Uuid> = (0..40).map(|_| Uuid::from_u128(rng.random())).collect();
    let mut rows = Vec::new();
    for _ in 0..3_000 {
        let at = now - TimeDelta::minutes(rng.random_range(0..26 * 60));
        let at = DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap();
        let index = rng
            .random_range(0..users.len())
            .min(rng.random_range(0..users.len()));
        let row = EventRow {
            event_id: Uuid::from_u128(rng.random()),
            user_id: users[index],
            event_type: "view",
            post_id: Uuid::from_u128(rng.random()),
            author_id: Uuid::from_u128(rng.random()),
            dwell_ms: None,
            occurred_at: at,
            received_at: at,
            _version: 1,
        };
        rows.push(row.clone());
        // Came twice; sometimes the client told another time the second time.
        if rng.random_bool(0.3) {
            let mut again = row;
            if rng.random_bool(0.2) {
                again.occurred_at -= TimeDelta::hours(1);
            }
            rows.push(again);
        }
    }
    insert(&olap, "events_raw", &rows).await;

    let hour = |at: DateTime<Utc>| at.timestamp() / 3_600;
    for (window, limit) in [(24, 100), (24, 10), (3, 5), (1, 100)] {
        let mut events: HashMap<Uuid, HashSet<Uuid>> = HashMap::new();
        for row in &rows {
            if hour(row.occurred_at) > hour(now) - window {
                events.entry(row.user_id).or_default().insert(row.event_id);
            }
        }
        let mut expected: Vec<(u64, Uuid)> = events
            .into_iter()
            .map(|(user, events)| (events.len() as u64, user))
            .collect();
        expected.sort_by(|a, b| b.cmp(a));
        expected.truncate(limit);
        let found = olap
            .most_active_users(
                now,
                u32::try_from(window).unwrap(),
                u32::try_from(limit).unwrap(),
                DEADLINE,
            )
            .await
            .unwrap();
        let found: Vec<(u64, Uuid)> = found.iter().map(|u| (u.count, u.user_id.uuid())).collect();
        assert_eq!(found, expected, "window {window}, limit {limit}");
    }
}
