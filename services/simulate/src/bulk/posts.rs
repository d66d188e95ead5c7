//! The posts: two users in five make them, some many more than others.

use std::ops::Range;

use nova_domain::{Caption, MediaType, MediaUrl, PostId, TextError, UserId, Visibility};
use nova_social::bulk::PostRow;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::draw::{What, uuid_at};
use super::model::{Model, micros};
use crate::words;

/// Of all users, the authors: the most popular.
const AUTHORS: f64 = 0.4;

/// What likes, comments and events have to know of a post.
#[derive(Debug, Clone, Copy)]
pub(super) struct Core {
    pub(super) id: PostId,
    pub(super) author: u32,
    pub(super) author_id: UserId,
    /// Microseconds since 1970.
    pub(super) at: i64,
}

impl Model {
    /// Posts, in order of time and id.
    ///
    /// # Errors
    /// None: the texts are within their limits.
    pub fn posts(&self, range: Range<u32>) -> Result<Vec<PostRow>, TextError> {
        range
            .map(|index| {
                let mut generator = self.seed.of(What::Post, index);
                let core = self.core(index, &mut generator);
                let is_image = generator.random_bool(0.1);
                let visibility = if generator.random_bool(0.03) {
                    Visibility::Followers
                } else {
                    Visibility::Public
                };
                Ok(PostRow {
                    post_id: core.id,
                    author_id: core.author_id,
                    caption: Caption::parse(words::caption(&mut generator))?,
                    media_url: media_url(core.id, is_image).parse::<MediaUrl>()?,
                    media_type: if is_image {
                        MediaType::Image
                    } else {
                        MediaType::Video
                    },
                    duration_ms: if is_image {
                        0
                    } else {
                        generator.random_range(5_000..=60_000)
                    },
                    visibility,
                    created_at: micros(core.at),
                    deleted_at: None,
                })
            })
            .collect()
    }

    /// Draws first what everybody asks for.
    pub(super) fn post(&self, index: u32) -> Core {
        self.core(index, &mut self.seed.of(What::Post, index))
    }

    fn core(&self, index: u32, generator: &mut ChaCha8Rng) -> Core {
        let millis = self.week.at(index);
        let id = PostId::new(uuid_at(millis, generator));
        let author = self.author(generator.random());
        Core {
            id,
            author,
            author_id: self.user(author),
            at: millis * 1_000 + generator.random_range(0..1_000),
        }
    }

    /// The author of popularity rank r in proportion to r^(-1/3). At M that is 1,080 posts of the most popular in the
    /// week, 17 of the least.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank below the number of users"
    )]
    fn author(&self, part: f64) -> u32 {
        let authors = (f64::from(self.size.users) * AUTHORS).max(1.0);
        let rank = (part * part.sqrt() * authors) as u64;
        self.popularity.at(rank) as u32
    }
}

fn media_url(id: PostId, is_image: bool) -> String {
    let kind = if is_image { "jpg" } else { "mp4" };
    format!("https://media.example/simulated/{id}.{kind}")
}
