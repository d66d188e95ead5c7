//! One case: what arrived, in the order it arrived, and the questions to ask about it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use nova_domain::PostId;
use nova_feed::FeedConfig;
use uuid::Uuid;

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

/// A network and a viewer in it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Makes it again.
    pub(crate) seed: u64,
    pub(crate) now: DateTime<Utc>,
    pub(crate) viewer: Uuid,
    pub(crate) config: FeedConfig,
    pub(crate) facts: Facts,
    /// What the viewer may see, for the whole ranking.
    pub(crate) allowed: HashSet<PostId>,
}
