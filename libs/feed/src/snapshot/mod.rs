//! A whole ranking, kept so that page 2 is page 2 of what the viewer saw.

mod codec;

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::{PostId, Source, SourceSet, UserId, Visibility};
use nova_ranking::FormulaConfig;

pub(crate) use codec::{decode, encode};

use crate::answer::SnapshotId;
use crate::rank_types::{RankedFeed, RankedItem};
use crate::timings::Timings;
use crate::trace::{Degraded, RankingTrace};

/// What a snapshot is the result of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A ranking.
    Ranking,
    /// What was there instead while nothing could be ranked; never fresh.
    Fallback,
}

/// What one source did for a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceStory {
    pub(crate) source: Source,
    pub(crate) candidates: u32,
    /// `ok`, `late` or `failed`.
    pub(crate) outcome: String,
    pub(crate) micros: u64,
}

/// What one filter did for a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilterStory {
    pub(crate) filter: String,
    pub(crate) kept: u32,
    pub(crate) removed: u32,
    pub(crate) moved: u32,
}

/// How a snapshot came about, for explaining it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) sources: Vec<SourceStory>,
    pub(crate) filters: Vec<FilterStory>,
    /// Posts that the spreading of authors put further back; none where it did not run.
    pub(crate) deferred: Option<u32>,
}

/// A ranking that does not change any more.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FeedSnapshot {
    pub(crate) id: SnapshotId,
    pub(crate) viewer: UserId,
    /// The `now` of the ranking; whole microseconds.
    pub(crate) generated_at: DateTime<Utc>,
    /// What the scores were made with.
    pub(crate) formula: FormulaConfig,
    pub(crate) kind: Kind,
    pub(crate) degraded: Vec<Degraded>,
    pub(crate) story: Story,
    /// Best first. Times of creation are whole microseconds, and an age is that of [`nova_ranking::age_hours`] at
    /// `generated_at`.
    pub(crate) items: Vec<RankedItem>,
}

impl FeedSnapshot {
    /// The ranking of `viewer` as of `now`, under a new id.
    pub(crate) fn of(
        viewer: UserId,
        now: DateTime<Utc>,
        formula: FormulaConfig,
        ranked: RankedFeed,
    ) -> Self {
        Self {
            id: SnapshotId::generate(),
            viewer,
            generated_at: now,
            formula,
            kind: Kind::Ranking,
            degraded: ranked.degraded,
            story: Story::of(&ranked.trace, &ranked.timings),
            items: ranked.items,
        }
    }

    /// Milliseconds since 1970 of its ranking, rounded down: an invalidation within the same millisecond is after it.
    pub(crate) fn generated_ms(&self) -> i64 {
        self.generated_at.timestamp_millis()
    }

    /// How old it is; a clock behind the one of the ranking counts as none.
    pub(crate) fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        (now - self.generated_at).max(TimeDelta::zero())
    }

    /// The items from `start` on, at most `count`.
    pub(crate) fn slice(&self, start: u32, count: usize) -> &[RankedItem] {
        nova_ranking::page(
            &self.items,
            usize::try_from(start).unwrap_or(usize::MAX),
            count,
        )
    }

    /// How many items it has.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// Roughly what it takes in memory, in bytes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.items.len() * size_of::<RankedItem>() + 512
    }
}

impl Story {
    fn of(trace: &RankingTrace, timings: &Timings) -> Self {
        let took = |source| {
            let found = timings.sources.iter().find(|(s, _)| *s == source);
            found.map_or(0, |(_, took)| {
                u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
            })
        };
        let sources = trace.sources.iter().map(|s| SourceStory {
            source: s.source,
            candidates: small(s.found),
            outcome: s.outcome.as_str().to_owned(),
            micros: took(s.source),
        });
        let filters = trace.filters.iter().map(|f| FilterStory {
            filter: f.filter.as_str().to_owned(),
            kept: small(f.kept),
            removed: small(f.removed),
            moved: small(f.moved),
        });
        Self {
            sources: sources.collect(),
            filters: filters.collect(),
            deferred: trace.diversity.map(|d| small(d.deferred)),
        }
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Short ways to an item's parts.
impl RankedItem {
    pub(crate) fn post(&self) -> PostId {
        self.ranked.candidate.post_id
    }

    pub(crate) fn author(&self) -> UserId {
        self.ranked.candidate.author_id
    }

    /// Whether the viewer may only see it, or was only offered it, for following its author.
    pub(crate) fn follow_only(&self) -> bool {
        self.visibility == Visibility::Followers
            || self.ranked.sources == SourceSet::of(Source::Follow)
    }
}
