//! What happened to the candidates of one feed, stage by stage: for metrics and for explaining a feed.

use std::fmt;
use std::time::Duration;

use nova_domain::Source;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the feed had to do without. In an answer: `source:follow`, `source:trending`, `source:affinity`,
/// `features:counts` (counts that Redis lacks were taken as 0), `features:interactions` (every affinity was taken as 0),
/// `features:seen` (what was seen stays in its place), `cache` (Redis), `posts` (PostgreSQL) or `pipeline` (changes
/// arrive late).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degraded {
    /// A source was left out.
    Source(Source),
    /// The exact counts.
    Counts,
    /// The viewer's interactions.
    Interactions,
    /// What the viewer has seen.
    Seen,
    /// Redis.
    Cache,
    /// PostgreSQL.
    Posts,
    /// The pipeline from PostgreSQL to ClickHouse and Redis: it is late.
    Pipeline,
}

impl Degraded {
    /// Whether it is something that ClickHouse did not say in time.
    pub(crate) const fn is_of_clickhouse(self) -> bool {
        match self {
            Self::Source(_) | Self::Counts | Self::Interactions | Self::Seen => true,
            Self::Cache | Self::Posts | Self::Pipeline => false,
        }
    }

    /// Every word there is.
    pub const ALL: &'static [Self] = &[
        Self::Source(Source::Follow),
        Self::Source(Source::Trending),
        Self::Source(Source::Affinity),
        Self::Counts,
        Self::Interactions,
        Self::Seen,
        Self::Cache,
        Self::Posts,
        Self::Pipeline,
    ];

    /// What a word of an answer stands for.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|d| d.to_string() == word)
    }
}

impl fmt::Display for Degraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => write!(f, "source:{source}"),
            Self::Counts => f.write_str("features:counts"),
            Self::Interactions => f.write_str("features:interactions"),
            Self::Seen => f.write_str("features:seen"),
            Self::Cache => f.write_str("cache"),
            Self::Posts => f.write_str("posts"),
            Self::Pipeline => f.write_str("pipeline"),
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Degraded {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("What the answer had to do without."))
            .enum_values(Some(Self::ALL.iter().map(ToString::to_string)))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Degraded {}

impl Serialize for Degraded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Degraded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::of_word(&word).ok_or_else(|| D::Error::custom(format_args!("`{word}` is unknown")))
    }
}

/// How a query that the feed can do without ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTrace {
    /// Which.
    pub source: Source,
    /// Candidates it proposed. F1 with the posts of authors followed just now and without those of authors unfollowed.
    pub found: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// The filters, in the order they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// The viewer's own posts.
    Own,
    /// Posts of whom the viewer has blocked or who has blocked the viewer.
    Blocked,
    /// Posts that are not meant for the viewer.
    Visibility,
    /// Posts that are deleted or never were.
    Deleted,
    /// Posts that the viewer has seen lately; they are moved, not removed.
    Seen,
}

impl Filter {
    /// Its name in metrics and explanations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Blocked => "blocked",
            Self::Visibility => "visibility",
            Self::Deleted => "deleted",
            Self::Seen => "seen",
        }
    }
}

/// What one filter did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterTrace {
    /// Which.
    pub filter: Filter,
    /// Candidates that passed.
    pub kept: usize,
    /// Candidates that it removed.
    pub removed: usize,
    /// Candidates that it moved to the end instead.
    pub moved: usize,
}

/// Where the counts came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsTrace {
    /// Posts that Redis knew all numbers of.
    pub redis: usize,
    /// Posts that ClickHouse was asked about.
    pub clickhouse: usize,
}

/// What the spreading of authors did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiversityTrace {
    /// Posts that stand further back than without it.
    pub deferred: usize,
}

/// The whole way of the candidates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankingTrace {
    /// F1, F2, F3.
    pub sources: Vec<SourceTrace>,
    /// Posts after the merge, each once.
    pub merged: usize,
    /// Where their counts came from.
    pub counts: CountsTrace,
    /// In the order they ran; one that is switched off, or had nothing to go by, is missing.
    pub filters: Vec<FilterTrace>,
    /// None when authors are not spread.
    pub diversity: Option<DiversityTrace>,
    /// Posts in the ranked list.
    pub ranked: usize,
    /// Ranked posts whose page slot was refilled because they vanished after the ranking.
    pub vanished: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_comes_back_as_it_was() {
        let trace = RankingTrace {
            sources: vec![SourceTrace {
                source: Source::Trending,
                found: 200,
                outcome: Outcome::Late,
                took: Duration::from_micros(12_345),
            }],
            merged: 900,
            counts: CountsTrace {
                redis: 899,
                clickhouse: 1,
            },
            filters: [
                Filter::Own,
                Filter::Blocked,
                Filter::Visibility,
                Filter::Deleted,
                Filter::Seen,
            ]
            .map(|filter| FilterTrace {
                filter,
                kept: 7,
                removed: 3,
                moved: 2,
            })
            .to_vec(),
            diversity: Some(DiversityTrace { deferred: 5 }),
            ranked: 880,
            vanished: 1,
        };
        let bytes = postcard::to_stdvec(&trace).unwrap();
        assert_eq!(postcard::from_bytes::<RankingTrace>(&bytes).unwrap(), trace);
        let text = serde_json::to_string(&trace).unwrap();
        assert_eq!(serde_json::from_str::<RankingTrace>(&text).unwrap(), trace);
        for filter in &trace.filters {
            let name = serde_json::to_value(filter.filter).unwrap();
            assert_eq!(name, filter.filter.as_str());
        }
    }

    #[test]
    fn every_word_for_what_was_left_out_is_understood() {
        for degraded in Degraded::ALL {
            let bytes = postcard::to_stdvec(degraded).unwrap();
            assert_eq!(&postcard::from_bytes::<Degraded>(&bytes).unwrap(), degraded);
        }
        assert!(serde_json::from_str::<Degraded>("\"nothing\"").is_err());
    }
}
