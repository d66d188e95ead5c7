//! Posts whose counts are to be written.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use nova_domain::PostId;
use tokio::time::Instant;

use super::due::{Due, Place};
use super::ticket::Ticket;

/// How long a post is left alone after a recount, for each of its likes and comments: counting a hundred thousand takes
/// ClickHouse in the order of 10 ms, and a second of rest keeps that at a hundredth of a core.
const REST_PER_FACT: Duration = Duration::from_micros(10);
/// The longest rest: how old the counts of the hottest post may be.
const LONGEST_REST: Duration = Duration::from_secs(2);
/// A rest shorter than this is none.
const SHORTEST_REST: Duration = Duration::from_millis(5);

/// Posts of one recount, at most. The more there are, the closer they stand in ClickHouse, and the less it reads for each.
const MOST_POSTS: usize = 2_000;
/// How many are counted at least, however often it fails.
const FEWEST_POSTS: usize = 50;
/// By how many posts a recount grows after one that went well.
const GROWTH: usize = 100;
/// Likes and comments of one recount, about, as far as they are known.
const MOST_FACTS: u64 = 1_000_000;

/// A post and the records that ask for its recount.
pub(crate) type Recount = (PostId, Vec<Ticket>);

#[derive(Debug, Clone, Copy)]
struct Size {
    facts: u64,
    rests_until: Instant,
}

/// A post as ClickHouse orders it: UUIDs compare by their second half first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ordered(u128);

impl Ordered {
    fn of(post: PostId) -> Self {
        Self(post.uuid().as_u128().rotate_left(64))
    }
}

#[derive(Debug)]
struct Wanted {
    post: PostId,
    tickets: Vec<Ticket>,
    due: Place,
}

/// Posts to be recounted, each as soon as it has rested.
#[derive(Debug)]
pub(crate) struct Recounts {
    posts: BTreeMap<Ordered, Wanted>,
    due: Due<Ordered>,
    /// Large posts that rest, or rested lately.
    resting: HashMap<PostId, Size>,
    /// Posts of the next recount, at most: fewer after one that failed, which may have been too much for its deadline.
    most: usize,
}

impl Recounts {
    pub(crate) fn new() -> Self {
        Self {
            posts: BTreeMap::new(),
            due: Due::new(),
            resting: HashMap::new(),
            most: MOST_POSTS,
        }
    }

    /// ClickHouse has something new of the post: every count that begins from now on includes it.
    pub(crate) fn add(&mut self, post: PostId, ticket: Ticket, now: Instant) {
        let (due, resting) = (&mut self.due, &self.resting);
        let at = Ordered::of(post);
        let wanted = self.posts.entry(at).or_insert_with(|| {
            let rested = resting.get(&post).map_or(now, |size| size.rests_until);
            Wanted {
                post,
                tickets: Vec::with_capacity(1),
                due: due.push(rested.max(now), at),
            }
        });
        wanted.tickets.push(ticket);
    }

    /// The posts to recount now: the one that is due for longest, and those that are due and behind it in ClickHouse's
    /// order, which reads neighbours as one. They come back by [`Recounts::counted`] or [`Recounts::not_counted`]; what
    /// is added to one of them meanwhile asks for a recount of its own.
    pub(crate) fn take(&mut self, now: Instant) -> Vec<Recount> {
        let Some(first) = self.due.next(now).copied() else {
            return Vec::new();
        };
        let in_order = self.posts.range(first..).chain(self.posts.range(..first));
        let rested = |wanted: &Wanted| wanted.due.is_due(now);
        let mut facts = 0_u64;
        let some: Vec<Ordered> = in_order
            .filter(|(_, wanted)| rested(wanted))
            .take(self.most)
            .take_while(|(_, wanted)| {
                let fits = facts < MOST_FACTS;
                let known = self.resting.get(&wanted.post);
                facts = facts.saturating_add(known.map_or(1, |size| size.facts));
                fits
            })
            .map(|(at, _)| *at)
            .collect();
        let mut taken = Vec::with_capacity(some.len());
        for at in some {
            if let Some(wanted) = self.posts.remove(&at) {
                self.due.remove(wanted.due);
                taken.push((wanted.post, wanted.tickets));
            }
        }
        taken
    }

    /// The counts are written; `sizes` are the likes and comments of each post.
    pub(crate) fn counted(&mut self, sizes: &[(PostId, u64)], now: Instant) {
        self.most = self.most.saturating_add(GROWTH).min(MOST_POSTS);
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

    /// The counts could not be written: they are due at once, when it is tried again, and half as many at a time.
    pub(crate) fn not_counted(&mut self, recounts: Vec<Recount>, now: Instant) {
        self.most = (self.most / 2).max(FEWEST_POSTS);
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
        for (at, wanted) in &mut self.posts {
            self.due.remove(wanted.due);
            wanted.due = self.due.push(now, *at);
        }
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
