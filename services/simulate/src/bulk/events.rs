//! The client events: 70 % impressions, 25 % views, 5 % shares. Popular posts are seen more, but not in proportion to their
//! likes: posts of about the same popularity change places, so that some please more of those who see them.

use std::ops::Range;

use nova_domain::{EventId, EventType};
use nova_stream::StoredEvent;
use rand::Rng as _;

use super::draw::{Seed, What, uuid_at};
use super::model::{Model, millis};
use super::permutation::Permutation;

/// Posts of about the same popularity: ranks that differ by less than this factor.
const ALIKE: u64 = 8;

/// The rank of a post by events: its rank by likes, shuffled among those alike.
pub(super) fn rank(seed: &Seed, posts: u64, by_likes: u64) -> u64 {
    let (mut start, mut size, mut group) = (0, ALIKE - 1, 0);
    while start + size <= by_likes {
        start += size;
        size *= ALIKE;
        group += 1;
    }
    let size = size.min(posts - start);
    start + Permutation::new(size, seed.key(What::EventRank, group)).at(by_likes - start)
}

impl Model {
    /// How many events a post has.
    #[must_use]
    pub fn event_count(&self, post: u32) -> u64 {
        let by_likes = self.post_rank.at(u64::from(post));
        let posts = u64::from(self.size.posts);
        self.events.share(rank(&self.seed, posts, by_likes))
    }

    /// The events of these posts, in order of the posts.
    #[must_use]
    pub fn events(&self, posts: Range<u32>) -> Vec<StoredEvent> {
        let mut rows = Vec::new();
        for index in posts {
            let count = self.event_count(index);
            if count == 0 {
                continue;
            }
            let post = self.post(index);
            let mut generator = self.seed.of(What::Event, index);
            let fans = self.crowd.fans_of(&self.seed, post.author);
            for _ in 0..count {
                let at = (post.at + self.soon(post.at, generator.random())).div_euclid(1_000);
                let user = fans.at(generator.random_range(0..2 * count + 20));
                let (event_type, dwell_ms) = match generator.random::<f64>() {
                    part if part < 0.70 => (EventType::Impression, None),
                    part if part < 0.95 => {
                        (EventType::View, Some(generator.random_range(500..30_000)))
                    }
                    _ => (EventType::Share, None),
                };
                rows.push(StoredEvent {
                    event_id: EventId::new(uuid_at(at, &mut generator)),
                    user_id: self.user(user),
                    event_type,
                    post_id: post.id,
                    author_id: post.author_id,
                    dwell_ms,
                    occurred_at: millis(at),
                    // Not now: a repeated load sends the same bytes.
                    received_at: millis(at),
                });
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_shuffled_among_those_alike() {
        let seed = Seed::new(5);
        let posts = 1_000;
        let mut ranks: Vec<u64> = (0..posts)
            .map(|by_likes| rank(&seed, posts, by_likes))
            .collect();
        for (by_likes, by_events) in (0..posts).zip(&ranks) {
            let group = |rank: u64| (rank + 1).ilog(ALIKE);
            assert_eq!(group(by_likes), group(*by_events));
        }
        ranks.sort_unstable();
        assert!(ranks.into_iter().eq(0..posts));
    }
}
