//! Makes random cases: ages at and around every edge of every window, ties, histories of several versions that arrive
//! in any order and more than once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::PostId;
use nova_feed::FeedConfig;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::graph::{Case, Facts};
use super::rows::{CommentRow, EventRow, FollowRow, LikeRow, PostRow};

/// Cases lie ten days apart, more than any window of posts reaches, so that all of them fit into one database although
/// trending posts are everybody's.
const APART: TimeDelta = TimeDelta::days(10);

/// The first case lies this far ahead: its oldest fact then is younger than every time-to-live of the tables.
const AHEAD: TimeDelta = TimeDelta::days(100);

/// `count` cases with the seeds from `first_seed`.
pub(crate) fn cases(first_seed: u64, count: u64) -> Vec<Case> {
    let start = Utc::now() + AHEAD;
    // Whole seconds and some microseconds: the databases keep no more than microseconds.
    let start = DateTime::from_timestamp(start.timestamp(), 123_456_000).unwrap();
    (0..count)
        .map(|n| case(first_seed + n, start + APART * i32::try_from(n).unwrap()))
        .collect()
}

fn case(seed: u64, now: DateTime<Utc>) -> Case {
    let mut world = World::new(seed, now);
    world.posts();
    world.follows();
    world.likes();
    world.comments();
    world.events();
    let facts = world.shuffled();
    let config = world.config();
    let allowed = facts
        .posts
        .iter()
        .filter(|_| world.rng.random_bool(0.9))
        .map(|post| PostId::new(post.post_id))
        .collect();
    Case {
        seed,
        now,
        viewer: world.users[0],
        config,
        facts,
        allowed,
    }
}

struct World {
    rng: ChaCha8Rng,
    now: DateTime<Utc>,
    /// The first is the viewer.
    users: Vec<Uuid>,
    /// Post and author; some that never arrive as posts.
    known: Vec<(Uuid, Uuid)>,
    facts: Facts,
    /// Grows with every change, as the position in the write-ahead log does.
    version: u64,
}

impl World {
    fn new(seed: u64, now: DateTime<Utc>) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let users = (0..rng.random_range(1..12))
            .map(|_| Uuid::from_u128(rng.random()))
            .collect();
        Self {
            rng,
            now,
            users,
            known: Vec::new(),
            facts: Facts::default(),
            version: 0,
        }
    }

    fn posts(&mut self) {
        // Few distinct times, so that posts share one to the microsecond.
        let times: Vec<_> = (0..8).map(|_| self.post_time()).collect();
        for _ in 0..self.rng.random_range(0..60) {
            let author_id = self.user();
            let mut row = PostRow {
                post_id: self.id(),
                author_id,
                caption: "a caption".to_owned(),
                media_url: "https://media.example/1.mp4".to_owned(),
                media_type: "video",
                duration_ms: 1_000,
                visibility: self.visibility(),
                created_at: *times.choose(&mut self.rng).unwrap(),
                updated_at: self.now,
                deleted_at: None,
                _version: self.next_version(),
                _deleted: 0,
            };
            if self.rng.random_bool(0.3) {
                row.created_at = self.post_time();
            }
            self.known.push((row.post_id, author_id));
            self.facts.posts.push(row.clone());
            while self.rng.random_bool(0.3) {
                row._version = self.next_version();
                match self.rng.random_range(0..5) {
                    0 => row.deleted_at = Some(self.now),
                    1 => row.deleted_at = None,
                    2 => row._deleted = 1 - row._deleted,
                    _ => row.visibility = self.visibility(),
                }
                self.facts.posts.push(row.clone());
            }
        }
        for _ in 0..3 {
            let unknown = (self.id(), self.user());
            self.known.push(unknown);
        }
    }

    fn follows(&mut self) {
        for _ in 0..self.rng.random_range(0..20) {
            let (follower_id, followee_id) = (self.mostly_viewer(), self.user());
            if follower_id == followee_id {
                continue;
            }
            let mut row = FollowRow {
                follower_id,
                followee_id,
                created_at: self.now,
                _version: self.next_version(),
                _deleted: 0,
            };
            self.facts.follows.push(row.clone());
            while self.rng.random_bool(0.4) {
                row._version = self.next_version();
                row._deleted = 1 - row._deleted;
                self.facts.follows.push(row.clone());
            }
        }
    }

    fn likes(&mut self) {
        for _ in 0..self.rng.random_range(0..120) {
            let (post_id, author_id) = self.post();
            let mut row = LikeRow {
                post_id,
                user_id: self.mostly_viewer(),
                author_id,
                created_at: self.interaction_time(),
                _version: self.next_version(),
                _deleted: 0,
            };
            self.facts.likes.push(row.clone());
            while self.rng.random_bool(0.4) {
                row._version = self.next_version();
                row._deleted = 1 - row._deleted;
                if row._deleted == 0 {
                    row.created_at = self.interaction_time();
                }
                self.facts.likes.push(row.clone());
            }
        }
    }

    fn comments(&mut self) {
        for _ in 0..self.rng.random_range(0..40) {
            let (post_id, author_id) = self.post();
            let mut row = CommentRow {
                comment_id: self.id(),
                post_id,
                user_id: self.mostly_viewer(),
                author_id,
                created_at: self.interaction_time(),
                _version: self.next_version(),
                _deleted: 0,
            };
            self.facts.comments.push(row.clone());
            if self.rng.random_bool(0.3) {
                row._version = self.next_version();
                row._deleted = 1;
                self.facts.comments.push(row);
            }
        }
    }

    fn events(&mut self) {
        for _ in 0..self.rng.random_range(0..150) {
            let (post_id, author_id) = self.post();
            let at = self.interaction_time();
            let row = EventRow {
                event_id: self.id(),
                user_id: self.mostly_viewer(),
                event_type: [
                    "impression",
                    "impression",
                    "impression",
                    "view",
                    "dwell",
                    "share",
                    "share",
                    "click",
                ]
                .choose(&mut self.rng)
                .unwrap(),
                post_id,
                author_id,
                dwell_ms: self.rng.random_bool(0.5).then_some(700),
                occurred_at: DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap(),
                received_at: self.now,
                _version: self.next_version(),
            };
            self.facts.events.push(row);
        }
    }

    /// What arrived: everything, some of it twice or more, in any order.
    fn shuffled(&mut self) -> Facts {
        let mut facts = std::mem::take(&mut self.facts);
        self.disorder(&mut facts.posts);
        self.disorder(&mut facts.follows);
        self.disorder(&mut facts.likes);
        self.disorder(&mut facts.comments);
        self.disorder(&mut facts.events);
        facts
    }

    fn disorder<T: Clone>(&mut self, rows: &mut Vec<T>) {
        let again: Vec<T> = rows
            .iter()
            .filter(|_| self.rng.random_bool(0.2))
            .cloned()
            .collect();
        rows.extend(again);
        rows.shuffle(&mut self.rng);
    }

    /// The contract's numbers, or limits so small that they cut, and another formula.
    fn config(&mut self) -> FeedConfig {
        // A loaded machine must not turn an answer into a late one.
        let mut config = FeedConfig {
            source_deadline: Duration::from_secs(20),
            budget: Duration::from_secs(60),
            ..FeedConfig::default()
        };
        if self.rng.random_bool(0.5) {
            config.follow.max_posts = self.rng.random_range(1..10);
            config.trending.max_posts = self.rng.random_range(1..10);
            config.affinity.max_posts = self.rng.random_range(1..10);
            config.authors.max_authors = self.rng.random_range(1..5);
        }
        if self.rng.random_bool(0.3) {
            config.formula.comment_weight = self.rng.random_range(0.0..4.0);
            config.formula.share_weight = self.rng.random_range(0.0..4.0);
            config.formula.weights.affinity = self.rng.random_range(0.0..2.0);
        }
        config
    }

    /// At an edge of a window or a microsecond beside it, or anywhere around.
    fn post_time(&mut self) -> DateTime<Utc> {
        let edge = [0, 24, 72, 168, -1].choose(&mut self.rng).unwrap();
        let beside = TimeDelta::microseconds(self.rng.random_range(-1..=1));
        match self.rng.random_range(0..3) {
            0 => self.now - TimeDelta::hours(*edge) + beside,
            1 => self.now - TimeDelta::minutes(self.rng.random_range(-90..200 * 60)),
            _ => self.now - TimeDelta::minutes(self.rng.random_range(0..24 * 60)),
        }
    }

    /// At the edge of 90 days or a microsecond beside it, or anywhere from 95 days ago until now; sometimes a shared one.
    fn interaction_time(&mut self) -> DateTime<Utc> {
        match self.rng.random_range(0..6) {
            0 => {
                self.now - TimeDelta::days(90)
                    + TimeDelta::microseconds(self.rng.random_range(-1_000..=1_000))
            }
            1 => {
                self.now - TimeDelta::days(90)
                    + TimeDelta::microseconds(self.rng.random_range(-1..=1))
            }
            // Shared by many, so that authors tie.
            2 | 3 => self.now - TimeDelta::hours(self.rng.random_range(1..3)),
            _ => self.now - TimeDelta::minutes(self.rng.random_range(0..95 * 24 * 60)),
        }
    }

    fn visibility(&mut self) -> &'static str {
        ["public", "public", "public", "followers", "private"]
            .choose(&mut self.rng)
            .unwrap()
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u128(self.rng.random())
    }

    fn user(&mut self) -> Uuid {
        *self.users.choose(&mut self.rng).unwrap()
    }

    fn mostly_viewer(&mut self) -> Uuid {
        if self.rng.random_bool(0.6) {
            self.users[0]
        } else {
            self.user()
        }
    }

    fn post(&mut self) -> (Uuid, Uuid) {
        *self.known.choose(&mut self.rng).unwrap()
    }

    fn next_version(&mut self) -> u64 {
        self.version += self.rng.random_range(1..1_000);
        self.version
    }
}
