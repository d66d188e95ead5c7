//! What F1 and F3 found for a viewer's last ranking. As long as nothing but its age has made that ranking out of date, the
//! next one needs only what was posted since: no range of granules for each author.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use moka::policy::EvictionPolicy;
use moka::sync::Cache as Bounded;
use nova_domain::{Candidate, PostId, UserId};
use nova_olap::{AuthorInteractions, NewPost, SourceLimits};

use super::newest_first;
use crate::config::FeedConfig;

/// A post is asked for again for so long after it was made: it may have come through the pipeline late.
pub(super) const LATE: TimeDelta = TimeDelta::minutes(2);

/// What was found for the last ranking of each viewer. Bounded by weight; what was not used for longest goes first, for by how
/// often it was used those who left would keep out those who came. Cheap to clone;
/// clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Kept(Bounded<UserId, Arc<Lists>>);

/// The lists of one ranking.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lists {
    /// The ranking they were found for, by its time in ms since 1970.
    pub(super) ranking_ms: i64,
    /// The time they were last asked for as a whole.
    pub(super) whole_at: DateTime<Utc>,
    /// F1 as ClickHouse had it, newest first.
    pub(super) follow: Vec<Candidate>,
    /// F3, newest first.
    pub(super) affinity: Vec<Candidate>,
    /// The authors of F3, and whether their followers-only posts are in it.
    pub(super) closest: Vec<Closest>,
}

/// An author of F3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Closest {
    pub(super) author: UserId,
    pub(super) followed: bool,
}

impl From<&AuthorInteractions> for Closest {
    fn from(one: &AuthorInteractions) -> Self {
        Self {
            author: one.author,
            followed: one.followed,
        }
    }
}

impl Kept {
    /// Room for so many bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        let kept = Bounded::builder()
            .max_capacity(bytes)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_, lists: &Arc<Lists>| lists.weight())
            .build();
        Self(kept)
    }

    /// The lists of the ranking that was made at `standing_ms`, if that is the last one known here and they are younger than
    /// [`FeedConfig::kept`].
    pub(super) fn get(
        &self,
        viewer: UserId,
        standing_ms: i64,
        now: DateTime<Utc>,
        config: &FeedConfig,
    ) -> Option<Arc<Lists>> {
        let lists = self.0.get(&viewer)?;
        let age = (now - lists.whole_at).to_std().ok()?;
        (lists.ranking_ms == standing_ms && age < config.kept).then_some(lists)
    }

    pub(super) fn put(&self, viewer: UserId, lists: Lists) {
        self.0.insert(viewer, Arc::new(lists));
    }
}

impl Lists {
    /// From when on posts may be missing in them.
    pub(super) fn since(&self) -> DateTime<Utc> {
        let ranked = DateTime::from_timestamp_millis(self.ranking_ms).unwrap_or(self.whole_at);
        ranked - LATE
    }

    /// F1 as it is now.
    pub(super) fn follow_now(
        &self,
        new: &[NewPost],
        now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> Vec<Candidate> {
        let new = new.iter().filter(|new| new.followed).map(|new| new.post);
        joined(self.follow.iter().copied(), new, now, limits)
    }

    /// F3 as it is now, with the posts of authors who were not among the closest.
    pub(super) fn affinity_now(
        &self,
        new: &[NewPost],
        added: Vec<Candidate>,
        closest: &HashSet<Closest>,
        now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> Vec<Candidate> {
        let authors: HashSet<UserId> = closest.iter().map(|one| one.author).collect();
        let kept = self.affinity.iter().copied();
        let kept = kept.filter(|post| authors.contains(&post.author_id));
        let new = new
            .iter()
            .map(|new| new.post)
            .filter(|post| authors.contains(&post.author_id));
        joined(kept, new.chain(added), now, limits)
    }

    /// Whether the list was cut at its limit: then posts that were left out move up when others leave it.
    pub(super) fn affinity_is_cut(&self, limits: SourceLimits) -> bool {
        self.affinity.len() >= most(limits)
    }

    fn weight(&self) -> u32 {
        let posts = (self.follow.len() + self.affinity.len()) * size_of::<Candidate>();
        let authors = self.closest.len() * size_of::<Closest>();
        u32::try_from(posts + authors + size_of::<Self>()).unwrap_or(u32::MAX)
    }
}

/// Two lists as one, without what left the window; each post once.
fn joined(
    kept: impl Iterator<Item = Candidate>,
    new: impl Iterator<Item = Candidate>,
    now: DateTime<Utc>,
    limits: SourceLimits,
) -> Vec<Candidate> {
    let opens = now - TimeDelta::hours(i64::from(limits.window_hours));
    let mut known: HashSet<PostId> = HashSet::new();
    let mut list: Vec<Candidate> = kept
        .chain(new)
        .filter(|post| post.created_at > opens && known.insert(post.post_id))
        .collect();
    list.sort_unstable_by_key(newest_first);
    list.truncate(most(limits));
    list
}

fn most(limits: SourceLimits) -> usize {
    usize::try_from(limits.max_posts).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    const LIMITS: SourceLimits = SourceLimits {
        window_hours: 1,
        max_posts: 4,
    };

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minute, 0).unwrap()
    }

    /// A post named by the minute it was made in.
    fn post(minute: u32, author: u128) -> Candidate {
        Candidate {
            post_id: PostId::new(Uuid::from_u128(u128::from(minute))),
            author_id: user(author),
            created_at: at(i64::from(minute)),
        }
    }

    fn new(minute: u32, author: u128, followed: bool) -> NewPost {
        NewPost {
            post: post(minute, author),
            followed,
        }
    }

    fn lists() -> Lists {
        Lists {
            ranking_ms: at(50).timestamp_millis(),
            whole_at: at(50),
            follow: vec![post(40, 1), post(20, 1), post(5, 2)],
            affinity: vec![post(40, 1), post(30, 3)],
            closest: vec![close(1, true), close(3, false)],
        }
    }

    fn close(author: u128, followed: bool) -> Closest {
        Closest {
            author: user(author),
            followed,
        }
    }

    fn minutes(list: &[Candidate]) -> Vec<i64> {
        let minutes = list.iter().map(|p| (p.created_at - at(0)).num_minutes());
        minutes.collect()
    }

    #[test]
    fn the_lists_of_another_ranking_or_of_long_ago_are_not_used() {
        let config = FeedConfig {
            kept: Duration::from_secs(120),
            ..FeedConfig::default()
        };
        let kept = Kept::new(1_000_000);
        let (viewer, ranked) = (user(9), at(50).timestamp_millis());
        assert_eq!(kept.get(viewer, ranked, at(51), &config), None);
        kept.put(viewer, lists());
        assert!(kept.get(viewer, ranked, at(51), &config).is_some());
        assert_eq!(kept.get(viewer, ranked + 1, at(51), &config), None);
        assert_eq!(kept.get(viewer, ranked, at(52), &config), None);
        assert_eq!(kept.get(user(8), ranked, at(51), &config), None);
    }

    #[test]
    fn who_came_last_takes_the_room_of_who_has_been_away_for_longest() {
        let config = FeedConfig::default();
        let ranked = at(50).timestamp_millis();
        let room = 4 * u64::from(lists().weight());
        let kept = Kept::new(room);
        let known = |n| kept.get(user(n), ranked, at(51), &config).is_some();
        // However often somebody was there.
        kept.put(user(1), lists());
        assert!((0..100).all(|_| known(1)));
        for viewer in 2..=9 {
            kept.put(user(viewer), lists());
            kept.0.run_pending_tasks();
        }
        assert_eq!(
            (1..=9).filter(|n| known(*n)).collect::<Vec<_>>(),
            [6, 7, 8, 9]
        );
    }

    #[test]
    fn what_is_new_joins_what_is_old_leaves_and_the_newest_stay() {
        let lists = lists();
        let new = [new(55, 2, true), new(52, 3, false), new(40, 1, true)];
        let follow = lists.follow_now(&new, at(60), LIMITS);
        assert_eq!(minutes(&follow), [55, 40, 20, 5]);
        assert_eq!(
            minutes(&lists.follow_now(&new, at(65), LIMITS)),
            [55, 40, 20]
        );
        let closest = HashSet::from([close(1, true), close(3, false)]);
        let affinity = lists.affinity_now(&new, vec![], &closest, at(60), LIMITS);
        assert_eq!(minutes(&affinity), [52, 40, 30]);
    }

    #[test]
    fn authors_come_and_go() {
        let lists = lists();
        let closest = HashSet::from([close(1, true), close(4, true)]);
        let added = vec![post(45, 4), post(10, 4)];
        let affinity = lists.affinity_now(&[], added, &closest, at(60), LIMITS);
        assert_eq!(minutes(&affinity), [45, 40, 10]);
        assert!(!lists.affinity_is_cut(LIMITS));
        assert!(lists.affinity_is_cut(SourceLimits {
            max_posts: 2,
            ..LIMITS
        }));
    }

    #[test]
    fn posts_may_come_two_minutes_late() {
        assert_eq!(lists().since(), at(48));
    }
}
