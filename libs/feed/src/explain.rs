//! Why a post is where it is, in the answer of a request that asks.

use nova_domain::Source;
use nova_ranking::FormulaConfig;
use serde::Serialize;

use crate::answer::CacheStatus;
use crate::rank_types::RankedItem;
use crate::snapshot::FeedSnapshot;

/// What the terms of a score were made of, at the time of the ranking.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InputsExplain {
    /// Age of the post in hours.
    pub age_hours: f64,
    /// Live likes.
    pub likes: u64,
    /// Live comments.
    pub comments: u64,
    /// Shares.
    pub shares: u64,
    /// How often it was on a screen.
    pub impressions: u64,
    /// The viewer's live interactions with its author in the last 90 days.
    pub interactions: u64,
}

/// The terms of one item's score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemExplain {
    /// `exp(-decay_per_hour * age_hours)`.
    pub freshness: f64,
    /// `ln(1 + (likes + 2*comments + 3*shares) / max(impressions, 1))`.
    pub engagement: f64,
    /// `ln(1 + interactions)`.
    pub affinity: f64,
    /// What they were made of.
    pub inputs: InputsExplain,
    /// Place in the whole ranking, from 1.
    pub rank: u32,
    /// Place by score alone, before authors were spread, from 1.
    pub rank_before_diversity: u32,
}

/// What one source did for the ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceExplain {
    /// Which.
    pub source: Source,
    /// Candidates it proposed.
    pub candidates: u32,
    /// `ok`, `late` or `failed`.
    pub outcome: String,
    /// How long it took, in milliseconds.
    pub ms: f64,
}

/// What one filter did for the ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilterExplain {
    /// Which.
    pub filter: String,
    /// Candidates that passed.
    pub kept: u32,
    /// Candidates that it removed.
    pub removed: u32,
    /// Candidates that it moved to the end instead: those seen lately.
    pub moved: u32,
}

/// `score = freshness_weight*freshness + engagement_weight*engagement + affinity_weight*affinity`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FormulaExplain {
    /// Weight of freshness.
    pub freshness_weight: f64,
    /// Weight of engagement.
    pub engagement_weight: f64,
    /// Weight of affinity.
    pub affinity_weight: f64,
    /// How fast freshness falls, per hour of age.
    pub decay_per_hour: f64,
    /// How many likes a comment is worth.
    pub comment_weight: f64,
    /// How many likes a share is worth.
    pub share_weight: f64,
}

/// How the ranking that a page was cut from came about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PageExplain {
    /// What the cache had.
    pub cache: CacheStatus,
    /// Age of the ranking, in milliseconds.
    pub snapshot_age_ms: u64,
    /// Items in the ranking.
    pub ranked: u32,
    /// Index of the page's first item in the ranking, from 0.
    pub position: u32,
    /// The formula with the numbers it had.
    pub formula: FormulaExplain,
    /// The sources, F1 first; none when it is not a ranking.
    pub sources: Vec<SourceExplain>,
    /// The filters, in the order they ran.
    pub filters: Vec<FilterExplain>,
    /// Posts that stand further back because their author has others nearby; `null` where authors are not spread.
    pub deferred: Option<u32>,
}

impl ItemExplain {
    /// Of the item at `index` of a ranking.
    pub(crate) fn of(item: &RankedItem, index: u32) -> Self {
        let (terms, features) = (item.ranked.terms, item.ranked.features);
        Self {
            freshness: terms.freshness,
            engagement: terms.engagement,
            affinity: terms.affinity,
            inputs: InputsExplain {
                age_hours: features.age_hours,
                likes: features.counts.likes,
                comments: features.counts.comments,
                shares: features.counts.shares,
                impressions: features.counts.impressions,
                interactions: features.interactions,
            },
            rank: index.saturating_add(1),
            rank_before_diversity: item.rank_before_diversity,
        }
    }
}

impl PageExplain {
    /// Of a page that begins at `position`.
    pub(crate) fn of(
        snapshot: &FeedSnapshot,
        position: u32,
        cache: CacheStatus,
        age_ms: u64,
    ) -> Self {
        let sources = snapshot.story.sources.iter().map(|s| SourceExplain {
            source: s.source,
            candidates: s.candidates,
            outcome: s.outcome.clone(),
            ms: milliseconds(s.micros),
        });
        let filters = snapshot.story.filters.iter().map(|f| FilterExplain {
            filter: f.filter.clone(),
            kept: f.kept,
            removed: f.removed,
            moved: f.moved,
        });
        Self {
            cache,
            snapshot_age_ms: age_ms,
            ranked: snapshot.len(),
            position,
            formula: snapshot.formula.into(),
            sources: sources.collect(),
            filters: filters.collect(),
            deferred: snapshot.story.deferred,
        }
    }
}

impl From<FormulaConfig> for FormulaExplain {
    fn from(formula: FormulaConfig) -> Self {
        Self {
            freshness_weight: formula.weights.freshness,
            engagement_weight: formula.weights.engagement,
            affinity_weight: formula.weights.affinity,
            decay_per_hour: formula.decay_per_hour,
            comment_weight: formula.comment_weight,
            share_weight: formula.share_weight,
        }
    }
}

/// To the microsecond; exact for 285 years.
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}
