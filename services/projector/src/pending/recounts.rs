//! Posts whose counts are to be written.

use std::collections::HashMap;
use std::time::Duration;

use nova_domain::PostId;
use tokio::time::Instant;

use super::due::Due;
use super::ticket::Ticket;

/// How long a post is left alone after a recount, for each of its likes and comments: counting a hundred thousand takes
/// ClickHouse in the order of 10 ms, and a second of rest keeps that at a hundredth of a core.
const REST_PER_FACT: Duration = Duration::from_micros(10);
/// The longest rest: how old the counts of the hottest post may be.
const LONGEST_REST: Duration = Duration::from_secs(2);
/// A rest shorter than this is none.
const SHORTEST_REST: Duration = Duration::from_millis(5);

/// Posts of one recount, at most.
pub(super) const MOST_POSTS: usize = 500;
/// Likes and comments of one recount, about, as far as they are known.
const MOST_FACTS: u64 = 1_000_000;

/// A post and the records that ask for its recount.
pub(crate) type Recount = (PostId, Vec<Ticket>);

#[derive(Debug, Clone, Copy)]
struct Size {
    facts: u64,
    rests_until: Instant,
}

/// Posts to be recounted, each as soon as it has rested.
#[derive(Debug)]
pub(crate) struct Recounts {
    posts: HashMap<PostId, Vec<Ticket>>,
    due: Due<PostId>,
    /// Large posts that rest, or rested lately.
    resting: HashMap<PostId, Size>,
}

impl Recounts {
    pub(crate) fn new() -> Self {
        Self {
            posts: HashMap::new(),
            due: Due::new(),
            resting: HashMap::new(),
        }
    }

    /// ClickHouse has something new of the post: every count that begins from now on includes it.
    pub(crate) fn add(&mut self, post: PostId, ticket: Ticket, now: Instant) {
        let (due, resting) = (&mut self.due, &self.resting);
        let tickets = self.posts.entry(post).or_insert_with(|| {
            let rested = resting.get(&post).map_or(now, |size| size.rests_until);
            due.push(rested.max(now), post);
            Vec::with_capacity(1)
        });
        tickets.push(ticket);
    }

    /// The posts to recount now. They come back by [`Recounts::counted`] or [`Recounts::not_counted`]; what is added to
    /// one of them meanwhile asks for a recount of its own.
    pub(crate) fn take(&mut self, now: Instant) -> Vec<Recount> {
        let mut taken = Vec::new();
        let mut facts = 0_u64;
        while taken.len() < MOST_POSTS
            && facts < MOST_FACTS
            && let Some(post) = self.due.pop(now)
        {
            if let Some(tickets) = self.posts.remove(&post) {
                facts = facts.saturating_add(self.resting.get(&post).map_or(1, |size| size.facts));
                taken.push((post, tickets));
            }
        }
        taken
    }

    /// The counts are written; `sizes` are the likes and comments of each post.
    pub(crate) fn counted(&mut self, sizes: &[(PostId, u64)], now: Instant) {
        self.resting
            .retain(|_, size| size.rests_until + LONGEST_REST > now);
        for (post, facts) in sizes {
            let rest = rest_of(*facts);
            if rest >= SHORTEST_REST {
                let size = Size {
                    facts: *facts,
                    rests_until: now + rest,
                };
                self.resting.insert(*post, size);
            }
        }
    }

    /// The counts could not be written: they are due at once, when it is tried again.
    pub(crate) fn not_counted(&mut self, recounts: Vec<Recount>, now: Instant) {
        for (post, tickets) in recounts {
            for ticket in tickets {
                self.add(post, ticket, now);
            }
        }
    }

    pub(crate) fn first_due(&self) -> Option<Instant> {
        self.due.first()
    }

    /// Nobody rests any more.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.resting.clear();
        self.due.hurry(now);
    }

    /// Posts to be recounted.
    pub(crate) fn len(&self) -> usize {
        self.posts.len()
    }
}

fn rest_of(facts: u64) -> Duration {
    let times = u32::try_from(facts).unwrap_or(u32::MAX);
    REST_PER_FACT.saturating_mul(times).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_grows_with_the_post() {
        let ms = |facts| rest_of(facts).as_millis();
        assert_eq!(
            [ms(0), ms(100), ms(10_000), ms(200_000), ms(u64::MAX)],
            [0, 1, 100, 2_000, 2_000]
        );
    }
}
