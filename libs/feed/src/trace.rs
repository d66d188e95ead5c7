//! What happened to the candidates of one feed, stage by stage: for metrics and for explaining a feed.

use std::fmt;

use nova_domain::Source;
use serde::{Serialize, Serializer};

/// What the feed had to do without. In an answer: `source:follow`, `source:trending`, `source:affinity`,
/// `features:counts` (every count was taken as 0) or `features:interactions` (every affinity was taken as 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degraded {
    /// A source was left out.
    Source(Source),
    /// The exact counts.
    Counts,
    /// The viewer's interactions.
    Interactions,
}

impl fmt::Display for Degraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => write!(f, "source:{source}"),
            Self::Counts => f.write_str("features:counts"),
            Self::Interactions => f.write_str("features:interactions"),
        }
    }
}

impl Serialize for Degraded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How a query that the feed can do without ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It answered.
    Ok,
    /// Not within its deadline.
    Late,
    /// With an error, which was logged.
    Failed,
}

impl Outcome {
    /// The word used in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Late => "late",
            Self::Failed => "failed",
        }
    }
}

/// What one source did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SourceTrace {
    /// Which.
    pub source: Source,
    /// Candidates it proposed.
    pub found: usize,
    /// How it ended.
    pub outcome: Outcome,
}

/// What one filter did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FilterTrace {
    /// Which: `own` or `visible`.
    pub filter: &'static str,
    /// Candidates that passed.
    pub kept: usize,
    /// Candidates that did not.
    pub removed: usize,
}

/// The whole way of the candidates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RankingTrace {
    /// F1, F2, F3.
    pub sources: Vec<SourceTrace>,
    /// Posts after the merge, each once.
    pub merged: usize,
    /// In the order they ran.
    pub filters: Vec<FilterTrace>,
    /// Posts in the ranked list.
    pub ranked: usize,
    /// Ranked posts whose page slot was refilled because they vanished after the ranking.
    pub vanished: usize,
}
