//! The three sources of a feed. Each takes the time and its limits from the caller, so its answer is a function of
//! the stored facts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::query::Query;
use nova_domain::{Candidate, UserId};
use nova_ranking::FormulaConfig;

use crate::client::Olap;
use crate::error::OlapError;
use crate::interactions::Interactions;
use crate::questions::{Affinity, Follow, NewestPosts, candidates};

const TRENDING: &str = include_str!("../../../clickhouse/queries/trending_candidates.sql");

/// How much later than the client the server gives a query up: late is late by the client's clock.
const SERVER_GRACE: Duration = Duration::from_millis(100);

/// Threads of one query of the read path. It reads some hundred granules, and others run beside it: to share them among
/// threads costs more processor time than it saves.
const READ_THREADS: &str = "1";

/// Into how many parts the search of the primary key cuts a range of granules that it cannot leave out. Each part costs a look at
/// the whole condition; for keys given as a list, which lie far apart, three take fewer looks than the server's eight.
const INDEX_PARTS: &str = "3";

/// What a source looks at and how much it may return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceLimits {
    /// Posts created later than this many hours before `now`; those dated more than an hour ahead are left out.
    pub window_hours: u32,
    /// The most candidates of one answer.
    pub max_posts: u32,
}

/// How the authors closest to a viewer are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorLimits {
    /// Interactions later than this many days before `now` count.
    pub interaction_days: u32,
    /// The most authors looked at.
    pub max_authors: u32,
}

/// A post that is new, of an author whom the viewer follows or who was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPost {
    /// The post.
    pub post: Candidate,
    /// Whether the viewer follows its author: then F1 proposes it.
    pub followed: bool,
}

impl Olap {
    /// F1: the newest posts of the authors the viewer follows, newest first.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn follow_candidates(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        limits: SourceLimits,
        deadline: Duration,
    ) -> Result<Vec<Candidate>, OlapError> {
        let question = Follow {
            viewer,
            now,
            limits,
        };
        self.ask(question, deadline).await
    }

    /// F2: the most engaging public posts, best first; the same for every viewer.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn trending_candidates(
        &self,
        now: DateTime<Utc>,
        limits: SourceLimits,
        formula: &FormulaConfig,
        deadline: Duration,
    ) -> Result<Vec<Candidate>, OlapError> {
        let query = self
            .read(TRENDING, deadline)
            .param("now", time_param(now))
            .param("window_hours", limits.window_hours)
            .param("max_posts", limits.max_posts)
            .param("comment_weight", formula.comment_weight)
            .param("share_weight", formula.share_weight);
        self.read_within(deadline, candidates(query)).await
    }

    /// F3: the newest posts of the authors the viewer interacted with most, newest first: two queries, one after the
    /// other. Who has asked for the interactions already needs only [`Olap::posts_of_closest`].
    ///
    /// # Errors
    /// A query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn affinity_candidates(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        limits: SourceLimits,
        authors: AuthorLimits,
        deadline: Duration,
    ) -> Result<Vec<Candidate>, OlapError> {
        let days = authors.interaction_days;
        let interactions = self.viewer_interactions(viewer, now, days, deadline);
        let interactions = interactions.await?;
        self.posts_of_closest(viewer, &interactions, now, limits, authors, deadline)
            .await
    }

    /// The newest posts of the authors closest to the viewer by these interactions, newest first. No query where there are
    /// none.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn posts_of_closest(
        &self,
        viewer: UserId,
        interactions: &Interactions,
        now: DateTime<Utc>,
        limits: SourceLimits,
        authors: AuthorLimits,
        deadline: Duration,
    ) -> Result<Vec<Candidate>, OlapError> {
        let closest = interactions.closest(viewer, authors.max_authors);
        if closest.is_empty() {
            return Ok(Vec::new());
        }
        let question = Affinity {
            viewer,
            authors: closest
                .iter()
                .map(|one| (one.author, one.followed))
                .collect(),
            now,
            limits,
        };
        self.ask(question, deadline).await
    }

    /// The posts created later than `since` of authors whom the viewer follows or who are in `authors`, newest first, at
    /// most `max_posts`: what F1 and F3 would find now and did not find then. Costs what was posted since, by anybody; known
    /// about a second after the post itself, with its first recount.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn newest_candidates(
        &self,
        viewer: UserId,
        authors: Vec<UserId>,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        max_posts: u32,
        deadline: Duration,
    ) -> Result<Vec<NewPost>, OlapError> {
        let question = NewestPosts {
            viewer,
            authors,
            since,
            now,
            max_posts,
        };
        self.ask(question, deadline).await
    }

    /// A query that the server gives up too when nobody waits for it any more, even if it does not see the closed
    /// connection.
    pub(crate) fn read(&self, sql: &str, deadline: Duration) -> Query {
        let seconds = (deadline + SERVER_GRACE).as_secs_f64();
        self.client()
            .query(sql)
            .with_setting("max_execution_time", format!("{seconds:.3}"))
            .with_setting("max_threads", READ_THREADS)
            .with_setting("merge_tree_coarse_index_granularity", INDEX_PARTS)
    }
}

/// A time as ClickHouse reads a `DateTime64(6, 'UTC')` parameter.
pub(crate) fn time_param(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_its_microseconds() {
        let at = DateTime::from_timestamp_micros(1_800_000_000_000_007).unwrap();
        assert_eq!(time_param(at), "2027-01-15 08:00:00.000007");
        let whole = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert_eq!(time_param(whole), "2027-01-15 08:00:00.000000");
    }
}
