//! Follows that are newer than ClickHouse: posts of an author followed just now join F1 at once, those of one unfollowed
//! just now leave it.

use std::collections::HashSet;

use nova_cache::Overlay;
use nova_domain::{Candidate, PostId, UserId};

use super::newest_first;
use crate::asking::Asking;
use crate::budget::Attempt;
use crate::posts::Posts;

/// Whoever follows more than this within the life of an overlay (11 minutes) waits for the pipeline with the others.
const MOST_AUTHORS: usize = 200;

/// Asks PostgreSQL for the posts of authors followed just now. Nothing when there are none.
pub(super) async fn fetch<P: Posts>(asking: &Asking<'_, P>) -> Option<Attempt<Vec<Candidate>>> {
    let (context, ask) = (asking.context, asking.ask);
    let followed = ask.overlay.follows.iter().filter(|(_, on)| **on);
    let mut authors: Vec<UserId> = followed.map(|(author, _)| *author).collect();
    if authors.is_empty() {
        return None;
    }
    // The same for the same overlay: ids grow with time, the newest authors come first.
    authors.sort_unstable_by(|a, b| b.cmp(a));
    authors.truncate(MOST_AUTHORS);
    let query = context
        .posts
        .recent_posts_of(&authors, ask.now, context.config.follow);
    Some(asking.postgres(query).await)
}

/// F1 as it would be if ClickHouse knew the viewer's latest follows: the newest posts of both lists, at most `most`.
pub(super) fn join(
    follow: Vec<Candidate>,
    new: Vec<Candidate>,
    overlay: &Overlay,
    most: u32,
) -> Vec<Candidate> {
    let mut list = follow;
    list.retain(|post| overlay.follows.get(&post.author_id) != Some(&false));
    if new.is_empty() {
        return list;
    }
    let known: HashSet<PostId> = list.iter().map(|post| post.post_id).collect();
    list.extend(
        new.into_iter()
            .filter(|post| !known.contains(&post.post_id)),
    );
    list.sort_unstable_by_key(newest_first);
    list.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    list
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    /// Post `n` of `author`, `n` seconds after the epoch.
    fn post(n: u32, author: u128) -> Candidate {
        Candidate {
            post_id: PostId::new(Uuid::from_u128(u128::from(n))),
            author_id: UserId::new(Uuid::from_u128(author)),
            created_at: DateTime::from_timestamp(i64::from(n), 0).unwrap(),
        }
    }

    fn overlay(follows: &[(u128, bool)]) -> Overlay {
        let follows = follows.iter();
        Overlay {
            follows: follows
                .map(|(n, on)| (UserId::new(Uuid::from_u128(*n)), *on))
                .collect(),
            ..Overlay::default()
        }
    }

    fn numbers(list: &[Candidate]) -> Vec<i64> {
        list.iter().map(|p| p.created_at.timestamp()).collect()
    }

    #[test]
    fn new_follows_join_and_the_newest_stay() {
        let follow = vec![post(9, 1), post(5, 1), post(3, 2)];
        let new = vec![post(7, 3), post(5, 1), post(1, 3)];
        let overlay = overlay(&[(3, true), (1, true)]);
        let joined = join(follow.clone(), new.clone(), &overlay, 500);
        assert_eq!(numbers(&joined), [9, 7, 5, 3, 1]);
        assert_eq!(numbers(&join(follow, new, &overlay, 3)), [9, 7, 5]);
    }

    #[test]
    fn unfollowed_authors_leave_and_nothing_else_changes() {
        let follow = vec![post(9, 1), post(5, 2), post(3, 1)];
        let left = join(follow.clone(), vec![], &overlay(&[(1, false)]), 500);
        assert_eq!(numbers(&left), [5]);
        assert_eq!(join(follow.clone(), vec![], &Overlay::default(), 1), follow);
        assert!(join(vec![], vec![], &overlay(&[(1, true)]), 500).is_empty());
    }
}
