//! The numbers of the read path.

use std::time::Duration;

use nova_olap::{AuthorLimits, SourceLimits};
use nova_ranking::FormulaConfig;

use crate::env;

/// A number that the feed cannot use, by the variable that sets it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with its value.
    pub reason: String,
}

impl ConfigError {
    pub(crate) fn new(variable: &'static str, reason: impl Into<String>) -> Self {
        Self {
            variable,
            reason: reason.into(),
        }
    }
}

/// Windows, limits, deadlines and the formula. The default is the published contract.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedConfig {
    /// F1: 72 h, 500 posts.
    pub follow: SourceLimits,
    /// F2: 24 h, 200 posts.
    pub trending: SourceLimits,
    /// F3: 168 h, 200 posts.
    pub affinity: SourceLimits,
    /// Which interactions count for affinity (90 days), and of how many authors F3 reads posts (50).
    pub authors: AuthorLimits,
    /// How long one query to ClickHouse may take before the feed goes on without it (500 ms).
    pub source_deadline: Duration,
    /// How long a whole feed may take (800 ms).
    pub budget: Duration,
    /// The part of the budget that queries to ClickHouse leave to PostgreSQL (100 ms).
    pub hydrate_reserve: Duration,
    /// The score.
    pub formula: FormulaConfig,
}

impl Default for FeedConfig {
    fn default() -> Self {
        let source = |window_hours, max_posts| SourceLimits {
            window_hours,
            max_posts,
        };
        Self {
            follow: source(72, 500),
            trending: source(24, 200),
            affinity: source(168, 200),
            authors: AuthorLimits {
                interaction_days: 90,
                max_authors: 50,
            },
            source_deadline: Duration::from_millis(500),
            budget: Duration::from_millis(800),
            hydrate_reserve: Duration::from_millis(100),
            formula: FormulaConfig::default(),
        }
    }
}

impl FeedConfig {
    /// Reads `NOVA_FEED_*` and `NOVA_RANKING_*`; what is not set keeps its default. `lookup` is the environment, or a
    /// map in a test.
    ///
    /// # Errors
    /// The first variable whose value is not a number or out of range, by name.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        env::read(&lookup)
    }

    /// Checks what single ranges do not say: that the numbers fit each other. [`FeedConfig::from_lookup`] has done it.
    ///
    /// # Errors
    /// The first number out of its range, by the variable that sets it.
    pub fn validate(&self) -> Result<(), ConfigError> {
        env::check(self)
    }
}
