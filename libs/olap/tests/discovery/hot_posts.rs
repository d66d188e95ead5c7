//! The hot list against the formula.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clickhouse::Row;
use nova_olap::{Olap, SourceLimits};
use nova_ranking::{Counts, FormulaConfig, age_hours, hot_score};
use nova_testbed::wait_for;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use uuid::Uuid;

use crate::engine::{self, DEADLINE, insert, recounted};
use crate::rows::{CommentRow, EventRow, LikeRow, PostRow};

#[derive(Default)]
struct World {
    posts: Vec<PostRow>,
    likes: Vec<LikeRow>,
    comments: Vec<CommentRow>,
    events: Vec<EventRow>,
}

impl World {
    /// Posts around the edges of one hour before `now`, some sharing a time, most with few counts so that scores tie.
    fn add(&mut self, rng: &mut ChaCha8Rng, now: DateTime<Utc>) {
        let times: Vec<DateTime<Utc>> = (0..5)
            .map(|_| now - TimeDelta::seconds(rng.random_range(0..3_600)))
            .collect();
        for _ in 0..rng.random_range(1..80) {
            let edge = TimeDelta::hours(*[1, 0, -1].choose(rng).unwrap());
            let beside = TimeDelta::microseconds(rng.random_range(-1..=1));
            let created_at = match rng.random_range(0..5) {
                0 => now - edge + beside,
                1 => now - TimeDelta::minutes(rng.random_range(-70..120)),
                _ => *times.choose(rng).unwrap(),
            };
            let mut post = PostRow::new(id(rng), id(rng), created_at);
            if rng.random_bool(0.1) {
                post.visibility = "followers";
            }
            if rng.random_bool(0.1) {
                post.deleted_at = Some(now);
            }
            self.engage(rng, &post, now);
            self.posts.push(post);
        }
    }

    fn engage(&mut self, rng: &mut ChaCha8Rng, post: &PostRow, now: DateTime<Utc>) {
        for _ in 0..rng.random_range(0..4) {
            let like = LikeRow {
                post_id: post.post_id,
                user_id: id(rng),
                author_id: post.author_id,
                created_at: now,
                _version: 5,
                _deleted: u8::from(rng.random_bool(0.2)),
            };
            self.likes.push(like);
        }
        for _ in 0..rng.random_range(0..2) {
            let comment = CommentRow {
                comment_id: id(rng),
                post_id: post.post_id,
                user_id: id(rng),
                author_id: post.author_id,
                created_at: now,
                _version: 5,
                _deleted: 0,
            };
            self.comments.push(comment);
        }
        for _ in 0..rng.random_range(0..4) {
            let at = DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap();
            let event = EventRow {
                event_id: id(rng),
                user_id: id(rng),
                event_type: ["impression", "impression", "share", "view"]
                    .choose(rng)
                    .unwrap(),
                post_id: post.post_id,
                author_id: post.author_id,
                dwell_ms: None,
                occurred_at: at,
                received_at: at,
                _version: 5,
            };
            self.events.push(event);
        }
    }

    async fn load(&self, olap: &Olap) {
        insert(olap, "posts_cdc", &self.posts).await;
        insert(olap, "likes_cdc", &self.likes).await;
        insert(olap, "comments_cdc", &self.comments).await;
        insert(olap, "events_raw", &self.events).await;
        // The second adds up what the first counts.
        recounted(olap, "post_metrics_1h").await;
        recounted(olap, "post_engagement").await;
    }

    fn counts(&self) -> HashMap<Uuid, Counts> {
        let mut counts: HashMap<Uuid, Counts> = HashMap::new();
        for like in self.likes.iter().filter(|like| like._deleted == 0) {
            counts.entry(like.post_id).or_default().likes += 1;
        }
        for comment in &self.comments {
            counts.entry(comment.post_id).or_default().comments += 1;
        }
        for event in &self.events {
            let of = counts.entry(event.post_id).or_default();
            match event.event_type {
                "share" => of.shares += 1,
                "impression" => of.impressions += 1,
                _ => {}
            }
        }
        counts
    }

    /// Score, time and id of the hot posts, hottest first.
    fn hot(
        &self,
        now: DateTime<Utc>,
        formula: &FormulaConfig,
        limit: usize,
    ) -> Vec<(f64, DateTime<Utc>, Uuid)> {
        let counts = self.counts();
        let mut hot: Vec<(f64, DateTime<Utc>, Uuid)> = self
            .posts
            .iter()
            .filter(|p| p.visibility == "public" && p.deleted_at.is_none())
            .filter(|p| p.created_at > now - TimeDelta::hours(1))
            .filter(|p| p.created_at <= now + TimeDelta::hours(1))
            .map(|p| {
                let counts = counts.get(&p.post_id).copied().unwrap_or_default();
                let score = hot_score(age_hours(p.created_at, now), &counts, formula);
                (score, p.created_at, p.post_id)
            })
            .collect();
        hot.sort_by(|a, b| b.0.total_cmp(&a.0).then((b.1, b.2).cmp(&(a.1, a.2))));
        hot.truncate(limit);
        hot
    }
}

fn id(rng: &mut ChaCha8Rng) -> Uuid {
    Uuid::from_u128(rng.random())
}

#[tokio::test]
async fn the_hot_list_is_what_the_formula_gives() {
    let (olap, _stack) = engine::start().await;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let start = DateTime::from_timestamp(Utc::now().timestamp(), 123_456_000).unwrap();
    // Further apart than any window reaches.
    let cases: Vec<DateTime<Utc>> = (0..60).map(|n| start + TimeDelta::hours(6 * n)).collect();
    let mut world = World::default();
    for now in &cases {
        world.add(&mut rng, *now);
    }
    world.load(&olap).await;
    let counts = world.counts();
    let mut listed = 0;
    for now in cases {
        let mut formula = FormulaConfig::default();
        if rng.random_bool(0.5) {
            formula.decay_per_hour = rng.random_range(0.0..2.0);
            formula.comment_weight = rng.random_range(0.0..4.0);
            formula.weights.freshness = rng.random_range(0.0..2.0);
        }
        let limit = if rng.random_bool(0.5) { 200 } else { 7 };
        let limits = SourceLimits {
            window_hours: 1,
            max_posts: limit,
        };
        let found = olap
            .hot_posts(now, limits, &formula, DEADLINE)
            .await
            .unwrap();
        for hot in &found {
            let expected = counts.get(&hot.post.post_id.uuid()).copied();
            assert_eq!(hot.counts, expected.unwrap_or_default(), "{hot:?}");
        }
        let found: Vec<Uuid> = found.iter().map(|hot| hot.post.post_id.uuid()).collect();
        let expected: Vec<Uuid> = world
            .hot(now, &formula, limit as usize)
            .into_iter()
            .map(|(_, _, id)| id)
            .collect();
        assert_eq!(found, expected, "as of {now}, {formula:?}");
        listed += found.len();
    }
    assert!(listed > 500, "{listed}");
}

#[derive(Row, Deserialize)]
struct Computed {
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    computed_at: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
}

#[tokio::test]
async fn the_order_is_that_of_the_view() {
    let (olap, _stack) = engine::start().await;
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut world = World::default();
    world.add(&mut rng, Utc::now());
    world.load(&olap).await;
    let before = Utc::now();
    olap.client()
        .query("SYSTEM REFRESH VIEW mv_hot_posts_1h")
        .execute()
        .await
        .unwrap();
    let newest = "SELECT computed_at, post_id FROM hot_posts_1h FINAL \
                  WHERE computed_at = (SELECT max(computed_at) FROM hot_posts_1h) ORDER BY rank";
    let rows = wait_for(Duration::from_secs(60), async || {
        let rows: Vec<Computed> = olap.client().query(newest).fetch_all().await.unwrap();
        match rows.first() {
            Some(first) if first.computed_at > before => Ok(rows),
            _ => Err(format!("{} rows", rows.len())),
        }
    })
    .await
    .unwrap();
    let limits = SourceLimits {
        window_hours: 1,
        max_posts: 200,
    };
    let found = olap
        .hot_posts(
            rows[0].computed_at,
            limits,
            &FormulaConfig::default(),
            DEADLINE,
        )
        .await
        .unwrap();
    let found: Vec<Uuid> = found.iter().map(|hot| hot.post.post_id.uuid()).collect();
    let expected: Vec<Uuid> = rows.iter().map(|row| row.post_id).collect();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}
