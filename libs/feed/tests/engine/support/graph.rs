//! One case: what arrived, in the order it arrived, and the questions to ask about it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use nova_feed::FeedConfig;
use uuid::Uuid;

use super::brute::Post;

use super::rows::{CommentRow, EventRow, FollowRow, LikeRow, PostRow};

/// Everything of a small network that ever arrived: superseded states, duplicates and deletions included.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) posts: Vec<PostRow>,
    pub(crate) follows: Vec<FollowRow>,
    pub(crate) likes: Vec<LikeRow>,
    pub(crate) comments: Vec<CommentRow>,
    pub(crate) events: Vec<EventRow>,
}

impl Facts {
    /// Adds another network beside this one.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.posts.extend_from_slice(&other.posts);
        self.follows.extend_from_slice(&other.follows);
        self.likes.extend_from_slice(&other.likes);
        self.comments.extend_from_slice(&other.comments);
        self.events.extend_from_slice(&other.events);
    }
}

/// What PostgreSQL says of a post.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub(crate) visible: bool,
    pub(crate) deleted: bool,
    pub(crate) blocked: bool,
    pub(crate) liked: bool,
    /// `public`, `followers` or `private`.
    pub(crate) visibility: &'static str,
}

/// PostgreSQL, which need not agree with what has arrived in ClickHouse.
#[derive(Debug, Clone, Default)]
pub(crate) struct Postgres {
    /// Whether it answers.
    pub(crate) up: bool,
    /// A post that is missing never was.
    pub(crate) words: HashMap<Uuid, Word>,
    /// What followers of the authors may see, whenever it was posted.
    pub(crate) posts: Vec<Post>,
    /// Everybody blocked either way.
    pub(crate) blocks: HashSet<Uuid>,
}

/// What Redis knows of a post, which need not be what ClickHouse does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    /// Likes and comments.
    pub(crate) counts: Option<[u64; 2]>,
    /// Shares and impressions.
    pub(crate) events: Option<[u64; 2]>,
    pub(crate) deleted: bool,
}

/// Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedisState {
    Up,
    Down,
    /// Not configured.
    None,
}

/// What the viewer did lately: done or undone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lately {
    pub(crate) likes: HashMap<Uuid, bool>,
    pub(crate) follows: HashMap<Uuid, bool>,
    pub(crate) blocks: HashMap<Uuid, bool>,
}

/// A network and a viewer in it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Makes it again.
    pub(crate) seed: u64,
    pub(crate) now: DateTime<Utc>,
    pub(crate) viewer: Uuid,
    pub(crate) config: FeedConfig,
    /// What has arrived in ClickHouse.
    pub(crate) facts: Facts,
    pub(crate) postgres: Postgres,
    pub(crate) redis: RedisState,
    pub(crate) counters: HashMap<Uuid, Counters>,
    /// Blocks as of the viewer's last ranking.
    pub(crate) kept_blocks: Option<HashSet<Uuid>>,
    pub(crate) lately: Lately,
}
