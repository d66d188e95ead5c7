//! The likes: Zipf's law over posts, the most faithful fans first.

use std::ops::Range;

use nova_social::load::AuthoredLike;
use rand::Rng as _;

use super::draw::What;
use super::model::{Model, micros};

impl Model {
    /// How many like a post.
    #[must_use]
    pub fn like_count(&self, post: u32) -> u64 {
        self.likes.share(self.post_rank.at(u64::from(post)))
    }

    /// The likes of these posts, in order of (post, user).
    #[must_use]
    pub fn likes(&self, posts: Range<u32>) -> Vec<AuthoredLike> {
        let mut rows = Vec::new();
        for index in posts {
            let count = self.like_count(index);
            if count > 0 {
                self.likes_of(index, count, &mut rows);
            }
        }
        rows
    }

    fn likes_of(&self, index: u32, count: u64, rows: &mut Vec<AuthoredLike>) {
        let post = self.post(index);
        let mut generator = self.seed.of(What::Like, index);
        let from = generator.random_range(0..=2 * count + 20);
        let fans = self.crowd.fans_of(&self.seed, post.author);
        for user in fans.distinct(from, usize::try_from(count).unwrap_or(usize::MAX)) {
            let at = post.at + self.soon(post.at, generator.random());
            rows.push(AuthoredLike {
                post_id: post.id,
                user_id: self.user(user),
                author_id: post.author_id,
                created_at: micros(at),
            });
        }
    }
}
