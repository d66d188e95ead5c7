//! Changes that ClickHouse may not have yet.
//!
//! Each is looked for by its exact key. ClickHouse stores the records of a partition in their order, block after block
//! (and begins again before what it had not committed): where it has one, it has those before it. So when many wait, some
//! of each partition are looked for, and tell of the others.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nova_domain::{CommentId, PostId, UserId};
use nova_olap::PostKey;
use nova_stream::Position;
use tokio::time::Instant;

use super::due::{Due, Place};
use super::order::Order;
use super::ticket::Ticket;

/// While no more wait than this, each is looked for.
const FEW: usize = 256;
/// Of more, about so many: of the four partitions of a topic, a sixteenth of what waits in each may be left for the next look.
const SPREAD: usize = 64;

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
    /// When it is looked for next; none while it is.
    due: Option<Place>,
}

/// Facts that are looked for until ClickHouse has them.
#[derive(Debug)]
pub(crate) struct Facts {
    waiting: HashMap<FactKey, Waiting>,
    due: Due<FactKey>,
    order: Order,
    /// While no more wait than this, each is looked for.
    few: usize,
    /// Of more, about so many.
    spread: usize,
}

impl Facts {
    pub(crate) fn new() -> Self {
        Self::asking(FEW, SPREAD)
    }

    /// Looks for each of `few`, and for about `spread` of more.
    pub(crate) fn asking(few: usize, spread: usize) -> Self {
        Self {
            waiting: HashMap::new(),
            due: Due::new(),
            order: Order::default(),
            few,
            spread,
        }
    }

    /// Waits for this version of the fact, or a later one.
    pub(crate) fn add(&mut self, key: FactKey, lsn: u64, ticket: Ticket, now: Instant) {
        self.order.add(&ticket.position, key, lsn);
        let due = &mut self.due;
        let waiting = self.waiting.entry(key).or_insert_with(|| Waiting {
            tickets: Vec::with_capacity(1),
            looks: 0,
            due: Some(due.push(now, key)),
        });
        waiting.tickets.push((lsn, ticket));
    }

    /// The facts to look for now. They come back by [`Facts::looked`] or [`Facts::not_looked`].
    pub(crate) fn take(&mut self, now: Instant) -> Vec<FactKey> {
        if self.waiting.len() > self.few && self.first_due().is_some_and(|at| at <= now) {
            return self.order.spread(self.spread);
        }
        let mut taken = Vec::new();
        while let Some(key) = self.due.pop(now) {
            if let Some(waiting) = self.waiting.get_mut(&key) {
                waiting.due = None;
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
        let mut stored = Vec::new();
        for key in keys {
            let Some(version) = versions.get(key) else {
                continue;
            };
            for (lsn, ticket) in self.release(*key, |lsn, _| lsn <= *version) {
                self.order.remove(&ticket.position);
                // This very change, not a later one of the same fact, which may stand elsewhere.
                if lsn == *version {
                    stored.push((lsn, ticket.position.clone()));
                }
                seen.push((*key, ticket));
            }
        }
        for (lsn, last) in stored {
            let before = |ticket: &Ticket| {
                let at = &ticket.position;
                (&at.topic, at.partition) == (&last.topic, last.partition)
                    && at.offset <= last.offset
            };
            for key in self.order.before(&last, lsn) {
                let here = self.release(key, |its, ticket| its <= lsn && before(ticket));
                seen.extend(here.into_iter().map(|(_, ticket)| (key, ticket)));
            }
        }
        for key in keys {
            if let Some(waiting) = self.waiting.get_mut(key)
                && waiting.due.is_none()
            {
                let pause = pause(waiting.looks, jitter());
                waiting.looks = waiting.looks.saturating_add(1);
                waiting.due = Some(self.due.push(now + pause, *key));
            }
        }
        seen
    }

    /// The tickets of a fact that need not wait any more; a fact without any is waited for no more.
    fn release(
        &mut self,
        key: FactKey,
        which: impl Fn(u64, &Ticket) -> bool,
    ) -> Vec<(u64, Ticket)> {
        let Some(waiting) = self.waiting.get_mut(&key) else {
            return Vec::new();
        };
        let released = waiting
            .tickets
            .extract_if(.., |(lsn, ticket)| which(*lsn, ticket))
            .collect();
        if waiting.tickets.is_empty()
            && let Some(gone) = self.waiting.remove(&key)
            && let Some(place) = gone.due
        {
            self.due.remove(place);
        }
        released
    }

    /// Nobody could say: they are due at once, when somebody is asked again.
    pub(crate) fn not_looked(&mut self, keys: &[FactKey], now: Instant) {
        for key in keys {
            if let Some(waiting) = self.waiting.get_mut(key)
                && waiting.due.is_none()
            {
                waiting.due = Some(self.due.push(now, *key));
            }
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
        let keys: Vec<FactKey> = self.waiting.keys().copied().collect();
        for key in keys {
            for (_, ticket) in self.release(key, |_, ticket| positions.contains(&ticket.position)) {
                self.order.remove(&ticket.position);
                tickets.push(ticket);
            }
        }
        tickets
    }

    /// When the next fact is to be looked for.
    pub(crate) fn first_due(&self) -> Option<Instant> {
        self.due.first()
    }

    pub(crate) fn hurry(&mut self, now: Instant) {
        for (key, waiting) in &mut self.waiting {
            if let Some(place) = waiting.due.take() {
                self.due.remove(place);
                waiting.due = Some(self.due.push(now, *key));
            }
        }
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
