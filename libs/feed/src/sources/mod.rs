//! The first stage: everything that only needs to know the viewer, asked of ClickHouse in parallel.

mod affinity;
mod follow;
mod trending;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use nova_domain::{Candidate, Source, UserId};
use nova_olap::Olap;
use nova_ranking::SourceLists;

use crate::budget::{Attempt, Budget};
use crate::config::FeedConfig;
use crate::features::interactions;
use crate::trace::{Degraded, SourceTrace};

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) viewer: UserId,
    pub(crate) now: DateTime<Utc>,
}

/// What the first stage found.
pub(crate) struct Found {
    pub(crate) follow: Attempt<Vec<Candidate>>,
    pub(crate) trending: Attempt<Vec<Candidate>>,
    pub(crate) affinity: Attempt<Vec<Candidate>>,
    pub(crate) interactions: Attempt<HashMap<UserId, u64>>,
}

/// Asks all of them at once. A query that fails or is late is an [`Attempt`] without a value.
pub(crate) async fn collect(olap: &Olap, config: &FeedConfig, ask: Ask, budget: &Budget) -> Found {
    let deadline = budget.for_query();
    let (follow, trending, affinity, interactions) = tokio::join!(
        Attempt::of(
            Degraded::Source(Source::Follow),
            follow::fetch(olap, config, ask, deadline)
        ),
        Attempt::of(
            Degraded::Source(Source::Trending),
            trending::fetch(olap, config, ask, deadline)
        ),
        Attempt::of(
            Degraded::Source(Source::Affinity),
            affinity::fetch(olap, config, ask, deadline)
        ),
        Attempt::of(
            Degraded::Interactions,
            interactions::fetch(olap, config, ask, deadline)
        ),
    );
    Found {
        follow,
        trending,
        affinity,
        interactions,
    }
}

impl Found {
    /// One source's answer.
    pub(crate) fn of(&self, source: Source) -> &Attempt<Vec<Candidate>> {
        match source {
            Source::Follow => &self.follow,
            Source::Trending => &self.trending,
            Source::Affinity => &self.affinity,
        }
    }

    /// The lists to merge; a source that is left out is empty.
    pub(crate) fn lists(&self) -> SourceLists<'_> {
        SourceLists {
            follow: list(&self.follow),
            trending: list(&self.trending),
            affinity: list(&self.affinity),
        }
    }

    /// What each source did, F1 first.
    pub(crate) fn traces(&self) -> Vec<SourceTrace> {
        let trace = |&source| SourceTrace {
            source,
            found: list(self.of(source)).len(),
            outcome: self.of(source).outcome(),
        };
        Source::ALL.iter().map(trace).collect()
    }

    /// Whether there is nothing to rank because nothing answered.
    pub(crate) fn all_sources_failed(&self) -> bool {
        Source::ALL
            .iter()
            .all(|source| self.of(*source).result.is_err())
    }

    /// What is left out.
    pub(crate) fn degraded(&self) -> Vec<Degraded> {
        let missing = Source::ALL
            .iter()
            .filter(|source| self.of(**source).result.is_err());
        let mut degraded: Vec<Degraded> = missing.map(|source| Degraded::Source(*source)).collect();
        if self.interactions.result.is_err() {
            degraded.push(Degraded::Interactions);
        }
        degraded
    }
}

fn list(attempt: &Attempt<Vec<Candidate>>) -> &[Candidate] {
    attempt.result.as_deref().unwrap_or_default()
}
