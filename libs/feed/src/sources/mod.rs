//! The first stage: everything that only needs to know the viewer, asked in parallel.

mod affinity;
mod follow;
mod kept;
mod new_follows;
mod newest;
mod trending;

use std::cmp::Reverse;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use nova_domain::{Candidate, PostId, Source};
use nova_olap::Interactions;
use nova_ranking::SourceLists;

use crate::asking::Asking;
use crate::budget::Attempt;
use crate::features::seen;
use crate::posts::Posts;
use crate::trace::{Degraded, Outcome, SourceTrace};

pub(crate) use kept::Kept;
pub(crate) use trending::Trending;

/// What the first stage found.
pub(crate) struct Found {
    /// F1 as ClickHouse has it and as the viewer's latest follows change it: what there is of it when it failed.
    pub(crate) follow_list: Vec<Candidate>,
    pub(crate) follow: Attempt<()>,
    pub(crate) trending: Attempt<trending::List>,
    /// Whether F2 asked ClickHouse anything: else it is from memory.
    trending_asked: bool,
    pub(crate) affinity: Attempt<Vec<Candidate>>,
    pub(crate) interactions: Attempt<Interactions>,
    /// None when it is not asked for.
    pub(crate) seen: Option<Attempt<HashSet<PostId>>>,
    /// How PostgreSQL answered, where it was asked for posts of authors followed just now.
    pub(crate) new_follows: Result<(), Outcome>,
}

/// F1 and F3, and what F3 is made of.
struct OfAuthors {
    follow: Attempt<Vec<Candidate>>,
    interactions: Attempt<Interactions>,
    affinity: Attempt<Vec<Candidate>>,
    /// When they were last asked for as a whole.
    whole_at: DateTime<Utc>,
}

/// Asks all of them at once. A query that fails or is late is an [`Attempt`] without a value.
pub(crate) async fn collect<P: Posts>(asking: &Asking<'_, P>) -> Found {
    let (of_authors, new, (trending, trending_asked), seen) = tokio::join!(
        of_authors(asking),
        new_follows::fetch(asking),
        trending::fetch(asking),
        seen::fetch(asking),
    );
    newest::keep(asking, &of_authors);
    let OfAuthors {
        follow,
        interactions,
        affinity,
        ..
    } = of_authors;
    let (follow_list, follow) = split(follow);
    let (new, new_follows) = match new.map(split) {
        None => (Vec::new(), Ok(())),
        Some((posts, answer)) => (posts, answer.result),
    };
    let most = asking.context.config.follow.max_posts;
    Found {
        follow_list: new_follows::join(follow_list, new, asking.ask.overlay, most),
        follow,
        trending,
        trending_asked,
        affinity,
        interactions,
        seen,
        new_follows,
    }
}

/// Completed by what is new, where the viewer's last ranking has only grown old; else as a whole.
async fn of_authors<P>(asking: &Asking<'_, P>) -> OfAuthors {
    if let Some(kept) = newest::kept(asking) {
        return newest::complete(asking, &kept).await;
    }
    let (follow, (interactions, affinity)) =
        tokio::join!(follow::fetch(asking), affinity::fetch(asking));
    OfAuthors {
        follow,
        interactions,
        affinity,
        whole_at: asking.ask.now,
    }
}

/// The order of F1 and F3: the newest first, then the greater id.
fn newest_first(post: &Candidate) -> Reverse<(DateTime<Utc>, PostId)> {
    Reverse((post.created_at, post.post_id))
}

/// The list, empty when there is none, and how it was got.
fn split(attempt: Attempt<Vec<Candidate>>) -> (Vec<Candidate>, Attempt<()>) {
    let took = attempt.took;
    let (list, result) = match attempt.result {
        Ok(list) => (list, Ok(())),
        Err(outcome) => (Vec::new(), Err(outcome)),
    };
    (list, Attempt { result, took })
}

impl Found {
    /// The lists to merge; a source that is left out is empty.
    pub(crate) fn lists(&self) -> SourceLists<'_> {
        SourceLists {
            follow: &self.follow_list,
            trending: self.trending_list(),
            affinity: list(&self.affinity),
        }
    }

    /// What each source did, F1 first.
    pub(crate) fn traces(&self) -> Vec<SourceTrace> {
        let trace = |source, found: &[Candidate], outcome, took| SourceTrace {
            source,
            found: found.len(),
            outcome,
            took,
        };
        vec![
            trace(
                Source::Follow,
                &self.follow_list,
                self.follow.outcome(),
                self.follow.took,
            ),
            trace(
                Source::Trending,
                self.trending_list(),
                self.trending.outcome(),
                self.trending.took,
            ),
            trace(
                Source::Affinity,
                list(&self.affinity),
                self.affinity.outcome(),
                self.affinity.took,
            ),
        ]
    }

    fn failed(&self, source: Source) -> bool {
        match source {
            Source::Follow => self.follow.result.is_err(),
            Source::Trending => self.trending.result.is_err(),
            Source::Affinity => self.affinity.result.is_err(),
        }
    }

    /// Whether there is nothing to rank because nothing that was asked answered.
    pub(crate) fn all_sources_failed(&self) -> bool {
        let from_memory = |source| source == Source::Trending && !self.trending_asked;
        let mut sources = Source::ALL.iter().copied();
        sources.all(|source| self.failed(source) || from_memory(source))
    }

    fn trending_list(&self) -> &[Candidate] {
        self.trending
            .result
            .as_ref()
            .map_or(&[], |list| list.as_slice())
    }

    /// What is left out.
    pub(crate) fn degraded(&self) -> Vec<Degraded> {
        let missing = Source::ALL.iter().filter(|source| self.failed(**source));
        let mut degraded: Vec<Degraded> = missing.map(|source| Degraded::Source(*source)).collect();
        if self.interactions.result.is_err() {
            degraded.push(Degraded::Interactions);
        }
        if self.seen.as_ref().is_some_and(|seen| seen.result.is_err()) {
            degraded.push(Degraded::Seen);
        }
        if self.new_follows.is_err() {
            degraded.push(Degraded::Posts);
        }
        degraded
    }
}

fn list(attempt: &Attempt<Vec<Candidate>>) -> &[Candidate] {
    attempt.result.as_deref().unwrap_or_default()
}
