//! The ranking formula, the merge of the three sources and the order of the feed; pure.
//!
//! The order is: score ([`order`]), then what the viewer has seen behind the rest ([`unseen_first`]), then no author too
//! often in a row ([`diversify`]). Without the last two it is the plain order of the formula.
//!
//! ```text
//! freshness  = exp(-0.10 * age_hours)
//! engagement = ln(1 + (likes + 2*comments + 3*shares) / max(impressions, 1))
//! affinity   = ln(1 + interactions of the viewer with the author in the last 90 days)
//! score      = 0.30*freshness + 0.40*engagement + 0.30*affinity
//! ```
//!
//! The numbers are configuration ([`FormulaConfig`]); the shape is not. The clock is an argument, so the same input
//! gives the same feed.

mod config;
mod diversity;
mod formula;
mod merge;
mod order;
mod page;
mod seen;

pub use config::{ConfigError, FormulaConfig, MAX_COEFFICIENT, Weights};
pub use diversity::{Diversity, diversify};
pub use formula::{Counts, Features, Terms, age_hours, engagement_rate, hot_score};
pub use merge::{Merged, SourceLists, merge};
pub use order::{Ranked, order, rank_order};
pub use page::page;
pub use seen::unseen_first;
