//! The same answers by plain loops over the facts: no code of the product, no cleverness.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::graph::Case;
use super::rows::{CommentRow, EventRow, LikeRow, PostRow};

/// A post of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Post {
    pub(crate) post_id: Uuid,
    pub(crate) author_id: Uuid,
    pub(crate) created_at: DateTime<Utc>,
}

/// Likes, comments, shares, impressions.
pub(crate) type Counts = [u64; 4];

/// A case reduced to its latest states.
pub(crate) struct World<'a> {
    case: &'a Case,
    pub(crate) posts: Vec<PostRow>,
    followed: HashSet<Uuid>,
    likes: Vec<LikeRow>,
    comments: Vec<CommentRow>,
    events: Vec<EventRow>,
}

/// The row of the highest version of each key.
fn latest<T: Clone, K: Hash + Eq>(
    rows: &[T],
    key: impl Fn(&T) -> K,
    version: impl Fn(&T) -> u64,
) -> Vec<T> {
    let mut last: HashMap<K, T> = HashMap::new();
    for row in rows {
        let newer = last
            .get(&key(row))
            .is_none_or(|known| version(row) > version(known));
        if newer {
            last.insert(key(row), row.clone());
        }
    }
    last.into_values().collect()
}

impl<'a> World<'a> {
    pub(crate) fn new(case: &'a Case) -> Self {
        let facts = &case.facts;
        let mut posts = latest(&facts.posts, |p| p.post_id, |p| p._version);
        posts.retain(|p| p._deleted == 0);
        let mut follows = latest(
            &facts.follows,
            |f| (f.follower_id, f.followee_id),
            |f| f._version,
        );
        follows.retain(|f| f._deleted == 0 && f.follower_id == case.viewer);
        let mut likes = latest(&facts.likes, |l| (l.post_id, l.user_id), |l| l._version);
        likes.retain(|l| l._deleted == 0);
        let mut comments = latest(&facts.comments, |c| c.comment_id, |c| c._version);
        comments.retain(|c| c._deleted == 0);
        Self {
            case,
            posts,
            followed: follows.iter().map(|f| f.followee_id).collect(),
            likes,
            comments,
            events: latest(&facts.events, |e| e.event_id, |e| e._version),
        }
    }

    /// F1.
    pub(crate) fn follow(&self) -> Vec<Post> {
        let limits = self.case.config.follow;
        let mut found = self.posts_where(limits.window_hours, |p| {
            self.followed.contains(&p.author_id)
                && (p.visibility == "public" || p.visibility == "followers")
        });
        newest_first(&mut found);
        found.truncate(limits.max_posts as usize);
        found
    }

    /// F2.
    pub(crate) fn trending(&self) -> Vec<Post> {
        let limits = self.case.config.trending;
        let mut found = self.posts_where(limits.window_hours, |p| p.visibility == "public");
        newest_first(&mut found);
        // Stable: among equals the newest stays first.
        let rate = |p: &Post| self.rate(self.counts(p.post_id));
        found.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
        found.truncate(limits.max_posts as usize);
        found
    }

    /// F3.
    pub(crate) fn affinity(&self) -> Vec<Post> {
        let closest = self.closest_authors();
        let limits = self.case.config.affinity;
        let mut found = self.posts_where(limits.window_hours, |p| {
            let may_see = p.visibility == "public"
                || p.visibility == "followers" && self.followed.contains(&p.author_id);
            closest.contains(&p.author_id) && may_see
        });
        newest_first(&mut found);
        found.truncate(limits.max_posts as usize);
        found
    }

    /// The viewer's interactions with each author, own posts included.
    pub(crate) fn interactions(&self) -> HashMap<Uuid, Vec<DateTime<Utc>>> {
        let days = i64::from(self.case.config.authors.interaction_days);
        let since = self.case.now - TimeDelta::days(days);
        let likes = self
            .likes
            .iter()
            .map(|l| (l.user_id, l.author_id, l.created_at));
        let comments = self
            .comments
            .iter()
            .map(|c| (c.user_id, c.author_id, c.created_at));
        let shares = self.events.iter().filter(|e| e.event_type == "share");
        let shares = shares.map(|e| (e.user_id, e.author_id, e.occurred_at));
        let mut found: HashMap<Uuid, Vec<DateTime<Utc>>> = HashMap::new();
        for (user, author, at) in likes.chain(comments).chain(shares) {
            if user == self.case.viewer && at > since {
                found.entry(author).or_default().push(at);
            }
        }
        found
    }

    /// Counts of one post.
    pub(crate) fn counts(&self, post: Uuid) -> Counts {
        let events = |kind| {
            self.events
                .iter()
                .filter(|e| e.post_id == post && e.event_type == kind)
                .count() as u64
        };
        [
            self.likes.iter().filter(|l| l.post_id == post).count() as u64,
            self.comments.iter().filter(|c| c.post_id == post).count() as u64,
            events("share"),
            events("impression"),
        ]
    }

    /// What was on the viewer's screen within the configured hours.
    pub(crate) fn seen(&self) -> HashSet<Uuid> {
        let hours = i64::from(self.case.config.filters.seen_hours);
        let since = self.case.now - TimeDelta::hours(hours);
        self.events
            .iter()
            .filter(|e| e.event_type == "impression" && e.user_id == self.case.viewer)
            .filter(|e| e.occurred_at > since)
            .map(|e| e.post_id)
            .collect()
    }

    /// freshness, engagement, affinity, score
    pub(crate) fn terms(&self, post: &Post, counts: Counts, interactions: usize) -> [f64; 4] {
        let formula = &self.case.config.formula;
        let microseconds = (self.case.now - post.created_at)
            .num_microseconds()
            .unwrap()
            .max(0);
        let freshness = (-formula.decay_per_hour * (microseconds as f64 / 3.6e9)).exp();
        let engagement = (1.0 + self.rate(counts)).ln();
        let affinity = (1.0 + interactions as f64).ln();
        let weights = formula.weights;
        let score = weights.freshness * freshness
            + weights.engagement * engagement
            + weights.affinity * affinity;
        [freshness, engagement, affinity, score]
    }

    fn rate(&self, counts: Counts) -> f64 {
        let formula = &self.case.config.formula;
        let [likes, comments, shares, impressions] = counts.map(|n| n as f64);
        (likes + formula.comment_weight * comments + formula.share_weight * shares)
            / impressions.max(1.0)
    }

    fn closest_authors(&self) -> HashSet<Uuid> {
        let mut authors: Vec<(usize, DateTime<Utc>, Uuid)> = self
            .interactions()
            .into_iter()
            .filter(|(author, _)| *author != self.case.viewer)
            .map(|(author, times)| (times.len(), times.into_iter().max().unwrap(), author))
            .collect();
        authors.sort_by(|a, b| b.cmp(a));
        authors.truncate(self.case.config.authors.max_authors as usize);
        authors.into_iter().map(|(_, _, author)| author).collect()
    }

    fn posts_where(&self, window_hours: u32, test: impl Fn(&PostRow) -> bool) -> Vec<Post> {
        let now = self.case.now;
        let after = now - TimeDelta::hours(i64::from(window_hours));
        let until = now + TimeDelta::hours(1);
        self.posts
            .iter()
            .filter(|p| {
                p.created_at > after && p.created_at <= until && p.deleted_at.is_none() && test(p)
            })
            .map(|p| Post {
                post_id: p.post_id,
                author_id: p.author_id,
                created_at: p.created_at,
            })
            .collect()
    }
}

pub(crate) fn newest_first(posts: &mut [Post]) {
    posts.sort_by_key(|p| std::cmp::Reverse((p.created_at, p.post_id)));
}
