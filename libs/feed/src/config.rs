//! The numbers of the read path.

use std::time::Duration;

use nova_olap::{AuthorLimits, SourceLimits};
use nova_ranking::{Diversity, FormulaConfig};

use crate::env;
use crate::protect::BreakerConfig;

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

/// The filters that are a choice. Blocks, visibility and deletions are none: what a viewer may not see is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterConfig {
    /// Leaves the viewer's own posts out (on).
    pub own: bool,
    /// Moves what the viewer has seen to the end (on).
    pub seen: bool,
    /// For so long a post counts as seen (48 h); ClickHouse remembers 72 h.
    pub seen_hours: u32,
}

/// How authors are spread over the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiversityConfig {
    /// Whether they are (on). With this and [`FilterConfig::seen`] off, the order is the plain order of the formula.
    pub on: bool,
    /// 2 posts of an author in any 10.
    pub limits: Diversity,
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
    /// How long a ranking waits for PostgreSQL to say what may be shown before it goes on with what is safe (300 ms).
    pub posts_deadline: Duration,
    /// The score.
    pub formula: FormulaConfig,
    /// What is left out of the ranking or moved to its end.
    pub filters: FilterConfig,
    /// How authors are spread.
    pub diversity: DiversityConfig,
    /// How long a ranking counts as fresh (60 s).
    pub fresh: Duration,
    /// How long past that it is still served, as `stale`, while a new one is made (30 s).
    pub stale: Duration,
    /// How long before that a hit has a new one made behind it (10 s, and never more than half of `fresh`): whoever reads
    /// on does not come to the end of a ranking.
    pub ahead: Duration,
    /// How long rankings share what is the same for every viewer while the counts it is made of do not change (5 s; 1 ms:
    /// not at all).
    pub shared: Duration,
    /// How long what F1 and F3 found for a viewer is completed by what is new, instead of asked for again, while nothing but
    /// age makes the viewer's rankings out of date (180 s; 1 s: not at all).
    pub kept: Duration,
    /// Rankings under way at once, per process (8): each asks five or six questions at the same time, those that wait for a turn by one
    /// query for several rankings.
    pub max_rankings: u32,
    /// Requests that wait for one of these places (16), at most half of the budget; past it they get what there is.
    pub ranking_queue: u32,
    /// How long a process waits for the ranking that another one makes for the same viewer (300 ms).
    pub rank_wait: Duration,
    /// When a server is left alone: after 5 outages in a row, for 0.5 s, growing to 5 s.
    pub breaker: BreakerConfig,
    /// How far behind the changes may be before an answer says `pipeline` (15 s; a heartbeat goes through every 5 s).
    pub pipeline_late: Duration,
    /// Memory for pages and rankings kept in the process, and for what these were made of, in MiB (128).
    pub memory_mib: u32,
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
            posts_deadline: Duration::from_millis(300),
            formula: FormulaConfig::default(),
            filters: FilterConfig {
                own: true,
                seen: true,
                seen_hours: 48,
            },
            diversity: DiversityConfig {
                on: true,
                limits: Diversity::default(),
            },
            fresh: Duration::from_secs(60),
            stale: Duration::from_secs(30),
            ahead: Duration::from_secs(10),
            shared: Duration::from_secs(5),
            kept: Duration::from_secs(180),
            max_rankings: 8,
            ranking_queue: 16,
            rank_wait: Duration::from_millis(300),
            breaker: BreakerConfig {
                failures: 5,
                open: Duration::from_millis(500),
                open_max: Duration::from_secs(5),
            },
            pipeline_late: Duration::from_secs(15),
            memory_mib: 128,
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

    /// Of [`FeedConfig::memory_mib`], in bytes, what pages and rankings may take: three quarters.
    pub(crate) fn memory_bytes(&self) -> u64 {
        u64::from(self.memory_mib) * 1024 * 1024 / 4 * 3
    }

    /// And what they were made of: a quarter.
    pub(crate) fn kept_bytes(&self) -> u64 {
        u64::from(self.memory_mib) * 1024 * 1024 / 4
    }

    /// Checks what single ranges do not say: that the numbers fit each other. [`FeedConfig::from_lookup`] has done it.
    ///
    /// # Errors
    /// The first number out of its range, by the variable that sets it.
    pub fn validate(&self) -> Result<(), ConfigError> {
        env::check(self)
    }
}
