//! A client that asks ClickHouse what a ranking asks, and does nothing with it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_domain::UserId;
use nova_olap::{AuthorLimits, Olap, OlapError, SourceLimits};
use tokio::try_join;

use crate::feed::{Checks, Viewer};
use crate::measure::{Asked, Client};

/// The numbers of the contract, which are Nova's defaults.
const FOLLOW: SourceLimits = SourceLimits {
    window_hours: 72,
    max_posts: 500,
};
const AFFINITY: SourceLimits = SourceLimits {
    window_hours: 168,
    max_posts: 200,
};
const AUTHORS: AuthorLimits = AuthorLimits {
    interaction_days: 90,
    max_authors: 50,
};
const SEEN_HOURS: u32 = 48;
const SEEN_POSTS: u32 = 5_000;

/// Longer than any answer takes: nothing is left out, as it is where somebody waits for a feed.
const DEADLINE: Duration = Duration::from_secs(10);

/// One who asks, by a client of ClickHouse that all share as the rankings of a process do.
#[derive(Debug)]
pub(crate) struct QuestionsClient {
    olap: Olap,
    viewers: Vec<Viewer>,
    turn: usize,
    checks: Arc<Checks>,
}

impl QuestionsClient {
    pub(crate) fn to(
        olap: Olap,
        viewers: Vec<Viewer>,
        checks: Arc<Checks>,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(!viewers.is_empty(), "a client without viewers");
        Ok(Self {
            olap,
            viewers,
            turn: 0,
            checks,
        })
    }

    /// The candidates of F1 and F3, as many as there are.
    async fn candidates(&self, viewer: UserId, now: DateTime<Utc>) -> Result<usize, OlapError> {
        let olap = &self.olap;
        let (follow, affinity, _seen) = try_join!(
            olap.follow_candidates(viewer, now, FOLLOW, DEADLINE),
            olap.affinity_candidates(viewer, now, AFFINITY, AUTHORS, DEADLINE),
            olap.viewer_impressions(viewer, now, SEEN_HOURS, SEEN_POSTS, DEADLINE),
        )?;
        Ok(follow.len() + affinity.len())
    }
}

impl Client for QuestionsClient {
    async fn ask(&mut self) -> Asked {
        self.turn = (self.turn + 1) % self.viewers.len();
        let Some(viewer) = self.viewers.get(self.turn) else {
            return Asked::Failed("no viewer".to_owned());
        };
        match self.candidates(viewer.id, Utc::now()).await {
            Ok(found) => {
                // Who follows nobody and likes nothing has none, and asks all the same.
                if found > 0 {
                    self.checks.noted();
                }
                Asked::Counted
            }
            Err(_) => Asked::Failed("no answer of ClickHouse".to_owned()),
        }
    }
}
