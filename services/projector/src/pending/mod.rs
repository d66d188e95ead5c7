//! What has been read and is not projected yet, as a value: which step comes next, and what its outcome changes.
//!
//! A record goes this way; it is done when nothing of it is left to do:
//!
//! 1. *Apply*: what may show at once goes to Redis: deletions, unfollows, the viewer's own likes and follows.
//! 2. *Look*: ClickHouse is asked for the exact key until it has this version or a later one; when many wait, for some of
//!    each partition, whose order says what it has besides. So nothing is announced before ClickHouse can serve it.
//! 3. *Recount* of the post's likes and comments, or *mark*: feeds that a follow or a new post has made stale.
//!
//! Steps of different kinds go side by side, and every record moves on by itself: one that ClickHouse does not have yet
//! holds up its partition's offset, not its neighbours' counts.

mod due;
mod facts;
mod lane;
mod order;
mod recounts;
#[cfg(test)]
mod tests;
mod ticket;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_domain::{PostId, UserId, Visibility};
use nova_olap::{MOST_KEYS, PostKey};
use nova_stream::Position;
use nova_stream::change::{Change, Fact, Message, Op};
use tokio::time::Instant;

use due::Due;
use facts::Facts;
use lane::Lane;
use recounts::Recounts;
use ticket::Ledger;

pub(crate) use facts::FactKey;
pub(crate) use recounts::Recount;
pub(crate) use ticket::{Done, Ticket};

use crate::metrics as names;
use crate::steps::{Outcome, Step};

/// Records of one application, at most.
const MOST_APPLIED: usize = 1_000;
/// Authors whose followers are asked for at once, at most.
const MOST_AUTHORS: usize = 32;
/// Between two looks, at least: ClickHouse takes changes several times a second, not all the time.
const LOOKS_REST: Duration = Duration::from_millis(50);
/// Between two recounts: one of ten posts costs ClickHouse little more than one of one post.
const RECOUNTS_REST: Duration = Duration::from_millis(100);
/// Who counts so many posts at once is behind.
const BEHIND: usize = 500;

/// A new post is announced when it is not older than the follow source looks back.
const ANNOUNCED_AGE: chrono::Duration = chrono::Duration::hours(72);

/// A record that ClickHouse still does not have after this time may be one that it has put aside.
const OVERDUE: Duration = Duration::from_secs(2);

/// The connector's heartbeat overtakes changes of other topics: by then they are being read too.
const HEARTBEAT_SETTLES: Duration = Duration::from_millis(500);

/// Between two notes of how far the pipeline is.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// A change whose record is under way.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) change: Change,
    pub(crate) ticket: Ticket,
}

/// Feeds to be marked stale, with the records that ask for it.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// New posts, by author: their followers.
    pub(crate) authors: Vec<(UserId, Vec<(PostId, Ticket)>)>,
    /// New follows: the followers.
    pub(crate) viewers: Vec<(UserId, Ticket)>,
}

impl Marks {
    fn is_empty(&self) -> bool {
        self.authors.is_empty() && self.viewers.is_empty()
    }
}

#[derive(Debug)]
struct Lanes {
    apply: Lane,
    look: Lane,
    recount: Lane,
    mark: Lane,
    ask: Lane,
    note: Lane,
}

/// Numbers for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) records: usize,
    pub(crate) facts: usize,
    pub(crate) posts: usize,
}

/// All that is under way.
#[derive(Debug)]
pub(crate) struct Pending {
    ledger: Ledger,
    arrived: Vec<Entry>,
    facts: Facts,
    recounts: Recounts,
    authors: HashMap<UserId, Vec<(PostId, Ticket)>>,
    viewers: Vec<(UserId, Ticket)>,
    /// Heartbeats, until they have settled.
    beats: Due<Ticket>,
    lanes: Lanes,
    done: Vec<Done>,
    noted: Option<(i64, Instant)>,
    overdue_asked: Option<Instant>,
    draining: bool,
    /// Looks that began after draining did.
    last_looks: usize,
}

impl Pending {
    pub(crate) fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            arrived: Vec::new(),
            facts: Facts::new(),
            recounts: Recounts::new(),
            authors: HashMap::new(),
            viewers: Vec::new(),
            beats: Due::new(),
            lanes: Lanes {
                apply: Lane::new(),
                look: Lane::new(),
                recount: Lane::new(),
                mark: Lane::new(),
                ask: Lane::new(),
                note: Lane::new(),
            },
            done: Vec::new(),
            noted: None,
            overdue_asked: None,
            draining: false,
            last_looks: 0,
        }
    }

    /// A record was read.
    pub(crate) fn take(&mut self, position: Position, message: Message, now: Instant) {
        match message {
            Message::Change(change) => {
                let ticket = self.ledger.issue(position, change.source_ms, now);
                self.arrived.push(Entry { change, ticket });
            }
            Message::Heartbeat { source_ms } => {
                let ticket = self.ledger.issue(position, Some(source_ms), now);
                self.beats.push(now + HEARTBEAT_SETTLES, ticket);
            }
        }
    }

    /// A record was read of which nothing can be projected.
    pub(crate) fn skip(&mut self, position: Position) {
        self.done.push(Done {
            position,
            source_ms: None,
        });
    }

    /// The records that are done since the last call.
    pub(crate) fn take_done(&mut self) -> Vec<Done> {
        std::mem::take(&mut self.done)
    }

    /// Records under way.
    pub(crate) fn len(&self) -> usize {
        self.ledger.out()
    }

    pub(crate) fn sizes(&self) -> Sizes {
        Sizes {
            records: self.ledger.out(),
            facts: self.facts.len(),
            posts: self.recounts.len(),
        }
    }

    /// No more comes. What ClickHouse has is finished, what it does not have is looked for once more and then left to
    /// whoever reads the partition next.
    pub(crate) fn drain(&mut self, now: Instant) {
        self.draining = true;
        self.facts.hurry(now);
        self.recounts.hurry(now);
        self.beats.hurry(now);
    }

    /// Whether nothing more can be finished, once draining.
    pub(crate) fn is_drained(&self) -> bool {
        let looked = self.facts.len() == 0 || self.last_looks > 0;
        let lanes = &self.lanes;
        let busy = [&lanes.apply, &lanes.look, &lanes.recount, &lanes.mark];
        looked
            && busy.iter().all(|lane| !lane.is_busy())
            && self.arrived.is_empty()
            && self.recounts.len() == 0
            && self.authors.is_empty()
            && self.viewers.is_empty()
            && self.beats.is_empty()
    }

    /// The steps to begin now.
    pub(crate) fn steps(&mut self, now: Instant) -> Vec<Step> {
        while let Some(beat) = self.beats.pop(now) {
            self.done.push(self.ledger.settle(beat));
        }
        let steps = [
            self.apply(now),
            self.look(now),
            self.recount(now),
            self.mark(now),
            self.ask(now),
            self.note(now),
        ];
        steps.into_iter().flatten().collect()
    }

    /// When to call [`Pending::steps`] again, if nothing happens before.
    pub(crate) fn wakes(&self, now: Instant) -> Instant {
        let lanes = &self.lanes;
        let soon = |work: bool| work.then_some(now);
        let times = [
            lanes.apply.wakes(soon(!self.arrived.is_empty())),
            self.beats.first(),
            lanes.look.wakes(self.facts.first_due()),
            lanes.recount.wakes(self.recounts.first_due()),
            lanes
                .mark
                .wakes(soon(!self.authors.is_empty() || !self.viewers.is_empty())),
            lanes
                .ask
                .wakes((self.facts.len() > 0).then(|| self.ask_at(now))),
            lanes.note.wakes(soon(self.to_note().is_some())),
        ];
        // Never later: a lane may have become free by an outcome.
        let limit = now + Duration::from_secs(1);
        times
            .into_iter()
            .flatten()
            .min()
            .map_or(limit, |at| at.min(limit))
    }

    fn apply(&mut self, now: Instant) -> Option<Step> {
        if !self.lanes.apply.is_free(now) {
            return None;
        }
        if self.arrived.is_empty() {
            return None;
        }
        let count = self.arrived.len().min(MOST_APPLIED);
        let entries = self.arrived.drain(..count).collect();
        self.lanes.apply.begin();
        Some(Step::Apply { entries })
    }

    fn look(&mut self, now: Instant) -> Option<Step> {
        if !self.lanes.look.is_free(now) {
            return None;
        }
        let keys = self.facts.take(now);
        if keys.is_empty() {
            return None;
        }
        self.lanes.look.begin();
        Some(Step::Look { keys })
    }

    fn recount(&mut self, now: Instant) -> Option<Step> {
        if !self.lanes.recount.is_free(now) {
            return None;
        }
        let posts = self.recounts.take(now);
        if posts.is_empty() {
            return None;
        }
        self.lanes.recount.begin();
        Some(Step::Recount { posts })
    }

    fn mark(&mut self, now: Instant) -> Option<Step> {
        if !self.lanes.mark.is_free(now) {
            return None;
        }
        let some: Vec<UserId> = self.authors.keys().take(MOST_AUTHORS).copied().collect();
        let marks = Marks {
            authors: some
                .into_iter()
                .filter_map(|author| self.authors.remove_entry(&author))
                .collect(),
            viewers: std::mem::take(&mut self.viewers),
        };
        if marks.is_empty() {
            return None;
        }
        self.lanes.mark.begin();
        Some(Step::Mark { marks })
    }

    fn ask_at(&self, now: Instant) -> Instant {
        self.overdue_asked.map_or(now, |asked| asked + OVERDUE)
    }

    fn ask(&mut self, now: Instant) -> Option<Step> {
        if !self.lanes.ask.is_free(now) || self.facts.len() == 0 || self.ask_at(now) > now {
            return None;
        }
        self.overdue_asked = Some(now);
        let positions = self.facts.overdue(now, OVERDUE, MOST_KEYS);
        if positions.is_empty() {
            return None;
        }
        self.lanes.ask.begin();
        Some(Step::Ask { positions })
    }

    /// How far the pipeline is, where that has not been noted.
    fn to_note(&self) -> Option<i64> {
        let seen = self.ledger.seen_up_to()?;
        self.noted
            .is_none_or(|(noted, _)| noted < seen)
            .then_some(seen)
    }

    fn note(&mut self, now: Instant) -> Option<Step> {
        let source_ms = self.to_note()?;
        if !self.lanes.note.is_free(now) {
            return None;
        }
        self.lanes.note.begin();
        Some(Step::Note {
            source_ms,
            noted_for: self.noted.map(|(_, at)| now.saturating_duration_since(at)),
        })
    }

    /// What a step has changed; `at` is the time of day, `jitter` gives numbers from 0 to 1.
    pub(crate) fn finish(
        &mut self,
        outcome: Outcome,
        now: Instant,
        at: DateTime<Utc>,
        jitter: impl Fn() -> f64,
    ) {
        match outcome {
            Outcome::Applied { entries, done } => self.applied(entries, done, now, at),
            Outcome::Looked {
                keys,
                versions,
                took,
            } => {
                if self.draining {
                    self.last_looks += 1;
                }
                let Some(versions) = versions else {
                    self.lanes.look.failed(now);
                    self.facts.not_looked(&keys, now);
                    return;
                };
                // At most a third of the time is spent in asking: a look costs nearly the same for one fact and for many.
                self.lanes.look.done(now, LOOKS_REST.max(took * 2));
                for (key, ticket) in self.facts.looked(&keys, &versions, now, jitter) {
                    self.seen(key, ticket, now);
                }
            }
            Outcome::Recounted { posts, sizes, took } => {
                let Some(sizes) = sizes else {
                    self.lanes.recount.failed(now);
                    self.recounts.not_counted(posts, now);
                    return;
                };
                let rest = rest_after_recount(posts.len(), took);
                self.lanes.recount.done(now, rest);
                self.recounts.counted(&sizes, now);
                for ticket in posts.into_iter().flat_map(|(_, tickets)| tickets) {
                    self.done.push(self.ledger.settle(ticket));
                }
            }
            Outcome::Marked { marks, done } => self.marked(marks, done, now),
            Outcome::Asked { put_aside } => match put_aside {
                None => self.lanes.ask.failed(now),
                Some(positions) => {
                    self.lanes.ask.done(now, Duration::ZERO);
                    for ticket in self.facts.put_aside(&positions) {
                        self.done.push(self.ledger.settle(ticket));
                    }
                }
            },
            Outcome::Noted { source_ms, done } => {
                if done {
                    self.noted = Some((source_ms, now));
                    self.lanes.note.done(now, NOTE_EVERY);
                } else {
                    self.lanes.note.failed(now);
                }
            }
        }
    }

    fn applied(&mut self, entries: Vec<Entry>, done: bool, now: Instant, at: DateTime<Utc>) {
        if !done {
            self.lanes.apply.failed(now);
            self.arrived.splice(0..0, entries);
            return;
        }
        self.lanes.apply.done(now, Duration::ZERO);
        for Entry { change, ticket } in entries {
            match next(&change, at) {
                Next::Wait(key) => self.facts.add(key, change.lsn, ticket, now),
                Next::Nothing => self.done.push(self.ledger.settle(ticket)),
            }
        }
    }

    /// ClickHouse has the fact.
    fn seen(&mut self, key: FactKey, ticket: Ticket, now: Instant) {
        let topic = ticket.position.topic.to_string();
        let waited = ticket.age(now).as_secs_f64();
        metrics::histogram!(names::CLICKHOUSE_WAIT_SECONDS, "topic" => topic).record(waited);
        match key {
            FactKey::Like(post, _) | FactKey::Comment(post, _) => {
                self.recounts.add(post, ticket, now);
            }
            FactKey::Follow { follower, .. } => self.viewers.push((follower, ticket)),
            FactKey::Post { key, announced } => {
                if announced {
                    let posts = self.authors.entry(key.author).or_default();
                    posts.push((key.post, ticket));
                } else {
                    self.recounts.add(key.post, ticket, now);
                }
            }
        }
    }

    fn marked(&mut self, marks: Marks, done: bool, now: Instant) {
        if !done {
            self.lanes.mark.failed(now);
            for (author, posts) in marks.authors {
                self.authors.entry(author).or_default().extend(posts);
            }
            self.viewers.extend(marks.viewers);
            return;
        }
        self.lanes.mark.done(now, Duration::ZERO);
        for (_, ticket) in marks.viewers {
            self.done.push(self.ledger.settle(ticket));
        }
        // A new post has counts too: exact zeros, unless somebody was quick.
        for (post, ticket) in marks.authors.into_iter().flat_map(|(_, posts)| posts) {
            self.recounts.add(post, ticket, now);
        }
    }
}

/// How long nobody counts after a recount. Who is behind spends half of the time in counting at most, so that ClickHouse has
/// time for feeds; what changes meanwhile is counted at once. Others spend four fifths of it at most.
fn rest_after_recount(posts: usize, took: Duration) -> Duration {
    let rest = if posts < BEHIND { took / 4 } else { took };
    RECOUNTS_REST.max(rest)
}

/// What is left to do when a change is applied.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Wait(FactKey),
    Nothing,
}

fn next(change: &Change, at: DateTime<Utc>) -> Next {
    match change.fact {
        Fact::Like { post, user } => Next::Wait(FactKey::Like(post, user)),
        Fact::Comment { post, comment } => Next::Wait(FactKey::Comment(post, comment)),
        // What a snapshot reads is no news, and an unfollow shows by what was applied.
        Fact::Follow { follower, followee } => match change.op {
            Op::Create | Op::Update if !change.removed => {
                Next::Wait(FactKey::Follow { follower, followee })
            }
            _ => Next::Nothing,
        },
        Fact::Post {
            post,
            author,
            created_at,
            visibility,
            deleted,
        } => match change.op {
            Op::Create if !deleted && at - created_at <= ANNOUNCED_AGE => {
                let key = PostKey {
                    author,
                    created_at,
                    post,
                };
                let announced = visibility.is_some_and(|who| who != Visibility::Private);
                Next::Wait(FactKey::Post { key, announced })
            }
            _ => Next::Nothing,
        },
    }
}
