//! Changes that ClickHouse may not have yet.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nova_domain::{CommentId, PostId, UserId};
use nova_olap::PostKey;
use nova_stream::Position;
use tokio::time::Instant;

use super::due::Due;
use super::ticket::Ticket;

/// The first pause between two looks at the same fact, without jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// What a pause is multiplied by for the next: between 20 and 100 ms a look comes at most half the wait late.
const GROWTH: f64 = 1.5;

/// The key of a fact, as ClickHouse has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FactKey {
    Like(PostId, UserId),
    Comment(PostId, CommentId),
    Follow {
        follower: UserId,
        followee: UserId,
    },
    /// A post that feeds are to find; `announced` when followers are to hear of it.
    Post {
        key: PostKey,
        announced: bool,
    },
}

#[derive(Debug)]
struct Waiting {
    /// With the LSN that each of them waits for.
    tickets: Vec<(u64, Ticket)>,
    looks: u32,
}

/// Facts that are looked for until ClickHouse has them.
#[derive(Debug)]
pub(crate) struct Facts {
    waiting: HashMap<FactKey, Waiting>,
    due: Due<FactKey>,
}

impl Facts {
    pub(crate) fn new() -> Self {
        Self {
            waiting: HashMap::new(),
            due: Due::new(),
        }
    }

    /// Waits for this version of the fact, or a later one.
    pub(crate) fn add(&mut self, key: FactKey, lsn: u64, ticket: Ticket, now: Instant) {
        let due = &mut self.due;
        let waiting = self.waiting.entry(key).or_insert_with(|| {
            due.push(now, key);
            Waiting {
                tickets: Vec::with_capacity(1),
                looks: 0,
            }
        });
        waiting.tickets.push((lsn, ticket));
    }

    /// The facts to look for now, at most `limit`. They come back by [`Facts::looked`] or [`Facts::not_looked`].
    pub(crate) fn take(&mut self, now: Instant, limit: usize) -> Vec<FactKey> {
        let mut taken = Vec::new();
        while taken.len() < limit
            && let Some(key) = self.due.pop(now)
        {
            // One that was put aside meanwhile is looked for no more.
            if self.waiting.contains_key(&key) {
                taken.push(key);
            }
        }
        taken
    }

    /// What ClickHouse has of these facts: gives the tickets whose change it has. The others are looked for again after
    /// a pause; `jitter` is from 0 to 1. A fact that changes all the time holds up nobody: each ticket waits for its
    /// own version.
    pub(crate) fn looked(
        &mut self,
        keys: &[FactKey],
        versions: &HashMap<FactKey, u64>,
        now: Instant,
        jitter: impl Fn() -> f64,
    ) -> Vec<(FactKey, Ticket)> {
        let mut seen = Vec::new();
        for key in keys {
            let Some(waiting) = self.waiting.get_mut(key) else {
                continue;
            };
            if let Some(version) = versions.get(key) {
                let here = waiting.tickets.extract_if(.., |(lsn, _)| *lsn <= *version);
                seen.extend(here.map(|(_, ticket)| (*key, ticket)));
            }
            if waiting.tickets.is_empty() {
                self.waiting.remove(key);
            } else {
                let pause = pause(waiting.looks, jitter());
                waiting.looks = waiting.looks.saturating_add(1);
                self.due.push(now + pause, *key);
            }
        }
        seen
    }

    /// Nobody could say: they are due at once, when somebody is asked again.
    pub(crate) fn not_looked(&mut self, keys: &[FactKey], now: Instant) {
        for key in keys {
            self.due.push(now, *key);
        }
    }

    /// The records that have waited longer than `age`, at most `limit` of them.
    pub(crate) fn overdue(&self, now: Instant, age: Duration, limit: usize) -> Vec<Position> {
        let tickets = self.waiting.values().flat_map(|waiting| &waiting.tickets);
        tickets
            .filter(|(_, ticket)| ticket.age(now) > age)
            .map(|(_, ticket)| ticket.position.clone())
            .take(limit)
            .collect()
    }

    /// Gives up waiting for these records: nothing will come of them.
    pub(crate) fn put_aside(&mut self, positions: &HashSet<Position>) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        if positions.is_empty() {
            return tickets;
        }
        self.waiting.retain(|_, waiting| {
            let gone = waiting
                .tickets
                .extract_if(.., |(_, ticket)| positions.contains(&ticket.position));
            tickets.extend(gone.map(|(_, ticket)| ticket));
            !waiting.tickets.is_empty()
        });
        tickets
    }

    /// When the next fact is to be looked for.
    pub(crate) fn first_due(&self) -> Option<Instant> {
        self.due.first()
    }

    pub(crate) fn hurry(&mut self, now: Instant) {
        self.due.hurry(now);
    }

    /// Facts that are waited for.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// The pause after so many looks in vain, between half and all of its full length.
fn pause(looks: u32, jitter: f64) -> Duration {
    let looks = i32::try_from(looks.min(20)).unwrap_or(20);
    let full = FIRST_PAUSE.mul_f64(GROWTH.powi(looks)).min(LONGEST_PAUSE);
    full.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_20_to_100_ms() {
        let ms = |looks| pause(looks, 1.0).as_millis();
        assert_eq!(
            [ms(0), ms(1), ms(3), ms(4), ms(8), ms(u32::MAX)],
            [20, 30, 67, 100, 100, 100]
        );
        assert_eq!(pause(8, 0.0), LONGEST_PAUSE / 2);
    }
}
