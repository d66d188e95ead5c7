//! Makes random cases: ages at and around every edge of every window, ties, histories of several versions that arrive
//! in any order and more than once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nova_feed::FeedConfig;
use nova_ranking::Diversity;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::brute::{Post, World as Latest};
use super::graph::{Case, Counters, Facts, Lately, Postgres, RedisState, Word};
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
    let mut case = Case {
        seed,
        now,
        viewer: world.users[0],
        config: world.config(),
        facts: world.shuffled(),
        postgres: Postgres::default(),
        redis: world.redis(),
        counters: HashMap::new(),
        kept_blocks: None,
        lately: world.lately(),
    };
    case.counters = world.counters();
    if world.rng.random_bool(0.7) {
        case.kept_blocks = Some(world.some_users(0.2));
    }
    case.postgres = world.postgres(&case);
    case
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
    /// For so long a post counts as seen.
    seen_hours: u32,
}

impl World {
    fn new(seed: u64, now: DateTime<Utc>) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let users = (0..rng.random_range(1..12))
            .map(|_| Uuid::from_u128(rng.random()))
            .collect();
        let seen_hours = if rng.random_bool(0.6) {
            48
        } else {
            rng.random_range(1..=72)
        };
        Self {
            rng,
            now,
            users,
            known: Vec::new(),
            facts: Facts::default(),
            version: 0,
            seen_hours,
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
            let at = self.event_time();
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

    /// The contract's numbers, or limits so small that they cut, another formula, and stages switched off.
    fn config(&mut self) -> FeedConfig {
        // A loaded machine must not turn an answer into a late one.
        let mut config = FeedConfig {
            source_deadline: Duration::from_secs(20),
            posts_deadline: Duration::from_secs(20),
            budget: Duration::from_secs(60),
            ..FeedConfig::default()
        };
        config.filters.seen_hours = self.seen_hours;
        config.filters.own = self.rng.random_bool(0.8);
        config.filters.seen = self.rng.random_bool(0.8);
        config.diversity.on = self.rng.random_bool(0.8);
        if self.rng.random_bool(0.5) {
            config.diversity.limits = Diversity {
                max_per_author: self.rng.random_range(1..5),
                window: self.rng.random_range(1..15),
            };
        }
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

    /// At the edge of what counts as seen or a millisecond beside it, within the last days, or whenever.
    fn event_time(&mut self) -> DateTime<Utc> {
        match self.rng.random_range(0..4) {
            0 => {
                self.now - TimeDelta::hours(i64::from(self.seen_hours))
                    + TimeDelta::milliseconds(self.rng.random_range(-1..=1))
            }
            1 => self.now - TimeDelta::minutes(self.rng.random_range(0..4 * 24 * 60)),
            _ => self.interaction_time(),
        }
    }

    fn redis(&mut self) -> RedisState {
        match self.rng.random_range(0..10) {
            0 => RedisState::Down,
            1 => RedisState::None,
            _ => RedisState::Up,
        }
    }

    /// Likes, follows and blocks done and undone just now, true to the rest or not.
    fn lately(&mut self) -> Lately {
        let mut lately = Lately::default();
        if self.rng.random_bool(0.4) {
            return lately;
        }
        for user in self.users.clone() {
            if self.rng.random_bool(0.25) {
                lately.follows.insert(user, self.rng.random_bool(0.5));
            }
            if self.rng.random_bool(0.15) {
                lately.blocks.insert(user, self.rng.random_bool(0.5));
            }
        }
        for (post, _) in self.known.clone() {
            if self.rng.random_bool(0.1) {
                lately.likes.insert(post, self.rng.random_bool(0.5));
            }
        }
        lately
    }

    /// Of some posts Redis knows everything, of some a part, of others nothing.
    fn counters(&mut self) -> HashMap<Uuid, Counters> {
        let mut known = HashMap::new();
        for (post, _) in self.known.clone() {
            let mut two = |p| {
                let numbers = [self.rng.random_range(0..9), self.rng.random_range(0..40)];
                self.rng.random_bool(p).then_some(numbers)
            };
            let counters = Counters {
                counts: two(0.7),
                events: two(0.7),
                deleted: self.rng.random_bool(0.1),
            };
            known.insert(post, counters);
        }
        known
    }

    fn some_users(&mut self, p: f64) -> HashSet<Uuid> {
        let all = self.users.clone().into_iter();
        all.filter(|_| self.rng.random_bool(p)).collect()
    }

    /// PostgreSQL says what it likes about each post, and knows of posts that have not arrived in ClickHouse yet.
    fn postgres(&mut self, case: &Case) -> Postgres {
        let mut postgres = Postgres {
            up: self.rng.random_bool(0.8),
            blocks: self.some_users(0.2),
            ..Postgres::default()
        };
        let latest = Latest::new(case);
        let arrived = latest.posts.iter().filter(|p| {
            p.deleted_at.is_none() && (p.visibility == "public" || p.visibility == "followers")
        });
        postgres.posts = arrived
            .map(|p| Post {
                post_id: p.post_id,
                author_id: p.author_id,
                created_at: p.created_at,
            })
            .collect();
        for _ in 0..self.rng.random_range(0..6) {
            let post = Post {
                post_id: self.id(),
                author_id: self.user(),
                created_at: self.post_time(),
            };
            postgres.posts.push(post);
            self.known.push((post.post_id, post.author_id));
        }
        for (post, _) in self.known.clone() {
            let (deleted, blocked) = (self.rng.random_bool(0.07), self.rng.random_bool(0.07));
            let word = Word {
                visible: !deleted && !blocked && self.rng.random_bool(0.93),
                deleted,
                blocked,
                liked: self.rng.random_bool(0.2),
                visibility: self.visibility(),
            };
            if self.rng.random_bool(0.97) {
                postgres.words.insert(post, word);
            }
        }
        postgres
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
