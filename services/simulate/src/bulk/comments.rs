//! The comments: on the posts that are liked, by the same fans.

use std::ops::Range;

use nova_domain::{CommentBody, CommentId, TextError};
use nova_social::load::AuthoredComment;
use rand::Rng as _;

use super::draw::{What, uuid_at};
use super::model::{Model, micros};
use crate::words;

impl Model {
    /// How many comments a post has.
    #[must_use]
    pub fn comment_count(&self, post: u32) -> u64 {
        self.comments.share(self.post_rank.at(u64::from(post)))
    }

    /// The comments on these posts, in order of the posts.
    ///
    /// # Errors
    /// None: the texts are within their limits.
    pub fn comments(&self, posts: Range<u32>) -> Result<Vec<AuthoredComment>, TextError> {
        let mut rows = Vec::new();
        for index in posts {
            let count = self.comment_count(index);
            if count == 0 {
                continue;
            }
            let post = self.post(index);
            let mut generator = self.seed.of(What::Comment, index);
            let fans = self.crowd.fans_of(&self.seed, post.author);
            for _ in 0..count {
                let at = post.at + self.soon(post.at, generator.random());
                let user = fans.at(generator.random_range(0..3 * count + 10));
                rows.push(AuthoredComment {
                    comment_id: CommentId::new(uuid_at(at.div_euclid(1_000), &mut generator)),
                    post_id: post.id,
                    user_id: self.user(user),
                    author_id: post.author_id,
                    body: CommentBody::parse(words::remark(&mut generator))?,
                    created_at: micros(at),
                });
            }
        }
        Ok(rows)
    }
}
