//! Which likes are written: no pair of post and user twice.

use std::ops::Range;

use nova_domain::{PostId, UserId};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A post that is liked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) post: PostId,
    pub(crate) author: UserId,
}

/// One like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Like {
    pub(crate) post: PostId,
    pub(crate) user: UserId,
    pub(crate) author: UserId,
}

/// Likes of given posts by given users, drawn from a seed.
///
/// A post is drawn by its rank r in proportion to r^-0.5: the first of 60,000 posts gets 0.2 % of the likes, and half of
/// them go to a quarter of the posts. Its likes are given by all users in turn, from another one on for each post.
#[derive(Debug)]
pub(crate) struct Likes {
    posts: Vec<Target>,
    users: Vec<UserId>,
    given: Vec<usize>,
    left: u64,
    rng: ChaCha8Rng,
}

/// Draws before the next post that has likes left is taken.
const TRIES: usize = 16;

impl Likes {
    /// Of posts in the order of their popularity.
    pub(crate) fn new(posts: Vec<Target>, users: Vec<UserId>, seed: u64) -> Self {
        let left = u64::try_from(posts.len() * users.len()).unwrap_or(u64::MAX);
        Self {
            given: vec![0; posts.len()],
            posts,
            users,
            left,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The posts, in the order of their popularity.
    pub(crate) fn posts(&self) -> &[Target] {
        &self.posts
    }

    /// The places of the posts that have been given likes.
    pub(crate) fn liked(&self) -> impl Iterator<Item = usize> {
        let given = self.given.iter().enumerate();
        given
            .filter(|(_, given)| **given > 0)
            .map(|(place, _)| place)
    }

    /// The next likes; fewer than asked for when every user has liked every post.
    pub(crate) fn next(&mut self, number: usize) -> Vec<Like> {
        let mut likes = Vec::with_capacity(number);
        while likes.len() < number && self.left > 0 {
            let place = self.draw();
            likes.extend(self.give(place));
        }
        likes
    }

    fn draw(&mut self) -> usize {
        for _ in 0..TRIES {
            let place = by_rank(self.rng.random(), self.posts.len());
            if self.has_left(place) {
                return place;
            }
        }
        let from = self.rng.random_range(0..self.posts.len().max(1));
        let all: [Range<usize>; 2] = [from..self.posts.len(), 0..from];
        let found = all
            .into_iter()
            .flatten()
            .find(|place| self.has_left(*place));
        found.unwrap_or(from)
    }

    fn has_left(&self, place: usize) -> bool {
        self.given
            .get(place)
            .is_some_and(|given| *given < self.users.len())
    }

    fn give(&mut self, place: usize) -> Option<Like> {
        let target = self.posts.get(place)?;
        let given = self.given.get_mut(place)?;
        // A large stride, so that neighbouring posts do not begin with the same users.
        let user = (place.wrapping_mul(7_919) + *given) % self.users.len().max(1);
        let user = *self.users.get(user)?;
        *given += 1;
        self.left = self.left.saturating_sub(1);
        Some(Like {
            post: target.post,
            user,
            author: target.author,
        })
    }
}

/// The place of a number from 0 to 1: r^-0.5 as a density sums up to the square root of the share.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "from 0 to the number of posts"
)]
pub(crate) fn by_rank(part: f64, posts: usize) -> usize {
    let place = (part * part * posts as f64) as usize;
    place.min(posts.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;

    fn likes(posts: u128, users: u128) -> Likes {
        let target = |n| Target {
            post: PostId::new(Uuid::from_u128(n)),
            author: UserId::new(Uuid::from_u128(1_000_000 + n)),
        };
        let users = (0..users).map(|n| UserId::new(Uuid::from_u128(n)));
        Likes::new((0..posts).map(target).collect(), users.collect(), 1)
    }

    #[test]
    fn no_pair_comes_twice_and_all_come() {
        let mut likes = likes(30, 40);
        let mut seen = HashSet::new();
        for _ in 0..20 {
            for like in likes.next(100) {
                assert!(seen.insert((like.post, like.user)), "{like:?}");
                assert_eq!(
                    like.author.uuid().as_u128() - 1_000_000,
                    like.post.uuid().as_u128()
                );
            }
        }
        assert_eq!(seen.len(), 30 * 40);
        assert_eq!(likes.next(1), []);
        assert_eq!(likes.liked().count(), 30);
    }

    #[test]
    fn half_of_the_likes_go_to_a_quarter_of_the_posts() {
        let mut likes = likes(1_000, 100_000);
        let drawn = likes.next(40_000);
        let popular = drawn.iter().filter(|like| like.post.uuid().as_u128() < 250);
        let share = popular.count();
        assert!((19_000..21_000).contains(&share), "{share}");
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(likes(0, 10).next(5), []);
        assert_eq!(likes(10, 0).next(5), []);
    }
}
