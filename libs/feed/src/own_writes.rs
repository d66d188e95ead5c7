//! Read-your-writes: what the API has just written, told to Redis at once.
//!
//! PostgreSQL has committed when these are called. What they write is small (an overlay of the viewer, a body, a flag)
//! and is compared by LSN, so that it may come late, twice, or after the pipeline has told the same. A request waits for
//! it for [`DEADLINE`] at most and never fails because of it: PostgreSQL has the truth, and a ranking asks it what may be
//! shown.
//!
//! What Redis did not take is kept in a bounded queue and written by [`Retries`] as soon as Redis takes it. It matters
//! for what hides: a block, an unfollow and a deletion must not be undone by a page from before. Until then
//! * with Redis out of reach nothing kept is served at all: a feed is ranked, and PostgreSQL says what may be shown;
//! * with Redis back, an item that should be hidden can be served for as long as the queue needs, a second or so;
//! * when the process dies in between, a deletion comes by the pipeline too; a block and an unfollow show when the kept
//!   ranking ends, 10 minutes at most ([`nova_cache::ttl::SNAPSHOT`]), or on the next first page that is not younger than
//!   a minute.
//!
//! An entry is given up when everything kept from before the write has ended.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use nova_cache::{Cache, CacheError, OverlayChange, OverlayKey, ttl};
use nova_domain::{PostId, UserId};
use nova_social::{Unblocked, Written};
use rand::Rng as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::metrics;

/// How long a request waits for Redis.
pub const DEADLINE: Duration = Duration::from_millis(100);

/// Writes that wait for Redis to come back: a few MB. More are dropped, counted and logged.
const MOST_WAITING: usize = 10_000;

/// Between two attempts while Redis is away; the second number is the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Tells Redis what was written. Cheap to clone. Without a cache there is nobody to tell.
#[derive(Debug, Clone)]
pub struct OwnWrites(Option<Arc<Told>>);

#[derive(Debug)]
struct Told {
    cache: Cache,
    waiting: mpsc::Sender<Note>,
}

impl OwnWrites {
    /// With the task that writes what Redis did not take at once.
    #[must_use]
    pub fn new(cache: Option<Cache>) -> (Self, Retries) {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let told = cache.clone().map(|cache| {
            Arc::new(Told {
                cache,
                waiting: sender,
            })
        });
        let retries = Retries {
            cache,
            receiver,
            pending: VecDeque::new(),
        };
        (Self(told), retries)
    }

    /// `viewer` likes a post, or no longer.
    pub async fn liked(&self, viewer: UserId, post: PostId, on: bool, written: Written) {
        let like = change(viewer, OverlayKey::Like(post), on, written);
        self.tell(Note::new("like").changing([like])).await;
    }

    /// `viewer` follows `author`, or no longer. Their feed is out of date.
    pub async fn followed(&self, viewer: UserId, author: UserId, on: bool, written: Written) {
        let follow = change(viewer, OverlayKey::Follow(author), on, written);
        let note = Note::new("follow").changing([follow]).stale([viewer]);
        self.tell(note).await;
    }

    /// `viewer` blocks `other`: each is hidden from the other and no longer followed. Both feeds are out of date.
    pub async fn blocked(&self, viewer: UserId, other: UserId, written: Written) {
        let changes = [(viewer, other), (other, viewer)].into_iter();
        let changes = changes.flat_map(|(one, two)| {
            [
                change(one, OverlayKey::Block(two), true, written),
                change(one, OverlayKey::Follow(two), false, written),
            ]
        });
        let mut note = Note::new("block").changing(changes).stale([viewer, other]);
        note.blocked = Some((viewer, other));
        self.tell(note).await;
    }

    /// `viewer` no longer blocks `other`; while the other one still blocks, both stay hidden.
    pub async fn unblocked(&self, viewer: UserId, other: UserId, left: Unblocked) {
        let changes = [(viewer, other), (other, viewer)].map(|(one, two)| {
            change(
                one,
                OverlayKey::Block(two),
                left.still_blocked,
                left.written,
            )
        });
        let note = Note::new("block").changing(changes).stale([viewer, other]);
        self.tell(note).await;
    }

    /// A post was deleted: no feed shows it from now on.
    pub async fn deleted(&self, post: PostId, written: Written) {
        let mut note = Note::new("delete");
        note.deleted = Some((post, true, written.lsn));
        self.tell(note).await;
    }

    async fn tell(&self, note: Note) {
        let Some(told) = &self.0 else {
            return;
        };
        match within_deadline(Box::pin(note.write(&told.cache))).await {
            Ok(()) => metrics::own_write(note.kind, "ok"),
            Err(error) => {
                let kind = note.kind;
                let kept = told.waiting.try_send(note).is_ok();
                metrics::own_write(kind, if kept { "queued" } else { "dropped" });
                tracing::warn!(kind, kept, %error, "Redis did not take an own write");
            }
        }
    }
}

fn change(viewer: UserId, what: OverlayKey, on: bool, written: Written) -> OverlayChange {
    OverlayChange {
        viewer,
        what,
        on,
        lsn: written.lsn,
    }
}

async fn within_deadline(
    work: impl Future<Output = Result<(), CacheError>>,
) -> Result<(), CacheError> {
    match timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_elapsed) => Err(CacheError::Timeout { after: DEADLINE }),
    }
}

/// Everything that one write has to tell. Writing it twice is harmless.
#[derive(Debug, Clone)]
struct Note {
    kind: &'static str,
    changes: Vec<OverlayChange>,
    /// Viewers whose feeds are out of date as of `at_ms`.
    stale: Vec<UserId>,
    at_ms: i64,
    blocked: Option<(UserId, UserId)>,
    deleted: Option<(PostId, bool, u64)>,
    /// When everything kept from before has ended.
    until: Instant,
}

impl Note {
    fn new(kind: &'static str) -> Self {
        Self {
            kind,
            changes: Vec::new(),
            stale: Vec::new(),
            at_ms: Utc::now().timestamp_millis(),
            blocked: None,
            deleted: None,
            until: Instant::now() + ttl::OVERLAY,
        }
    }

    fn changing(mut self, changes: impl IntoIterator<Item = OverlayChange>) -> Self {
        self.changes.extend(changes);
        self
    }

    fn stale(mut self, viewers: impl IntoIterator<Item = UserId>) -> Self {
        self.stale.extend(viewers);
        self
    }

    /// One round trip of each kind at once; a block takes two more.
    async fn write(&self, cache: &Cache) -> Result<(), CacheError> {
        let changes = async {
            if !self.changes.is_empty() {
                cache.overlay_set(&self.changes, false).await?;
            }
            Ok(())
        };
        let deleted = async {
            if let Some(deleted) = self.deleted {
                cache.apply_deleted(&[deleted]).await?;
            }
            Ok(())
        };
        let stale = async {
            if !self.stale.is_empty() {
                cache.mark_stale(&self.stale, self.at_ms).await?;
            }
            Ok(())
        };
        tokio::try_join!(changes, deleted, stale)?;
        if let Some((one, two)) = self.blocked {
            tokio::try_join!(add_block(cache, one, two), add_block(cache, two, one))?;
        }
        Ok(())
    }
}

/// Adds to the list that is for when PostgreSQL is down. A ranking that read PostgreSQL before the block may store its
/// own list after this; until the next ranking the overlay has the block too.
async fn add_block(cache: &Cache, viewer: UserId, other: UserId) -> Result<(), CacheError> {
    if let Some(mut blocks) = cache.blocks(viewer).await?
        && blocks.insert(other)
    {
        cache.store_blocks(viewer, &blocks).await?;
    }
    Ok(())
}

/// Writes what Redis did not take at once.
#[derive(Debug)]
pub struct Retries {
    cache: Option<Cache>,
    receiver: mpsc::Receiver<Note>,
    pending: VecDeque<Note>,
}

impl Retries {
    /// Runs for as long as there is somebody to tell; a task of its own.
    pub async fn run(&mut self) {
        let Some(cache) = self.cache.clone() else {
            return std::future::pending().await;
        };
        while let Some(note) = self.receiver.recv().await {
            self.pending.push_back(note);
            let mut wait = BACKOFF.0;
            while !self.pending.is_empty() {
                tokio::time::sleep(jittered(wait)).await;
                wait = (wait * 2).min(BACKOFF.1);
                self.round(&cache).await;
            }
        }
    }

    /// A last attempt, when the process stops.
    pub async fn finish(&mut self) {
        let Some(cache) = self.cache.clone() else {
            return;
        };
        self.round(&cache).await;
        if !self.pending.is_empty() {
            let left = self.pending.len();
            tracing::error!(left, "stopped with own writes that Redis did not take");
        }
    }

    /// Tries everything that waits, until Redis does not answer.
    async fn round(&mut self, cache: &Cache) {
        while self.pending.len() < MOST_WAITING
            && let Ok(note) = self.receiver.try_recv()
        {
            self.pending.push_back(note);
        }
        for _ in 0..self.pending.len() {
            let Some(note) = self.pending.pop_front() else {
                break;
            };
            if Instant::now() >= note.until {
                metrics::own_write(note.kind, "given_up");
                continue;
            }
            match within_deadline(Box::pin(note.write(cache))).await {
                Ok(()) => metrics::own_write(note.kind, "late"),
                Err(CacheError::Unavailable { .. } | CacheError::Timeout { .. }) => {
                    self.pending.push_front(note);
                    break;
                }
                // Its own trouble: the others go first.
                Err(_) => self.pending.push_back(note),
            }
        }
        metrics::own_writes_waiting(self.pending.len());
    }
}

fn jittered(base: Duration) -> Duration {
    base.mul_f64(rand::rng().random_range(0.75..1.25))
}
