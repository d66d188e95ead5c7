//! What a ranking is asked, what it may use, and what it answers: the boundary between the ranking and the pages.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use nova_cache::{Cache, Overlay};
use nova_domain::{UserId, Visibility};
use nova_olap::Olap;
use nova_ranking::Ranked;

use crate::config::FeedConfig;
use crate::protect::Guards;
use crate::shared::Shared;
use crate::timings::Timings;
use crate::trace::{Degraded, RankingTrace};

/// Whose feed, and as of when.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Whose.
    pub viewer: UserId,
    /// Windows and ages are counted from here; whole microseconds, as every database keeps them.
    pub now: DateTime<Utc>,
    /// What the viewer did lately and the pipeline may not have brought here yet.
    pub overlay: &'a Overlay,
    /// Whether `now` is the present: then what is the same for every viewer may be shared.
    pub live: bool,
    /// Whether somebody waits for it.
    pub awaited: bool,
    /// The time (ms since 1970) of the viewer's last ranking, where nothing but its age has made it out of date: then what was
    /// found for it need only be completed by what is new. None where that is not known.
    pub standing_ms: Option<i64>,
}

/// What a ranking works with.
#[derive(Debug)]
pub struct RankContext<'a, P> {
    /// ClickHouse.
    pub olap: &'a Olap,
    /// PostgreSQL.
    pub posts: &'a P,
    /// Redis, where there is one.
    pub cache: Option<&'a Cache>,
    /// Windows, limits, deadlines, the formula.
    pub config: &'a FeedConfig,
    /// What need not be asked again, where it is kept.
    pub shared: Option<&'a Shared>,
    /// Circuit breakers: calls to a server go through its breaker.
    pub guards: &'a Guards,
}

/// One post of a ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedItem {
    /// The post, its features and its score.
    pub ranked: Ranked,
    /// Whether the viewer liked it when the ranking was made.
    pub liked: bool,
    /// Who may see it; of a ranking without PostgreSQL the fewest of whom the viewer is known to be one.
    pub visibility: Visibility,
    /// Its rank by score alone, from 1; its rank in the feed is its place in the list, from 1.
    pub rank_before_diversity: u32,
}

/// A viewer's whole feed, best first.
#[derive(Debug, Clone)]
pub struct RankedFeed {
    /// Every candidate that passed the filters, scored and in order.
    pub items: Vec<RankedItem>,
    /// What was left out.
    pub degraded: Vec<Degraded>,
    /// What happened to the candidates.
    pub trace: RankingTrace,
    /// How long it took; `cache`, `hydrate` and `total` are still zero.
    pub timings: Timings,
    /// Everybody blocked in either direction, where PostgreSQL said so: kept for when it cannot.
    pub blocks: Option<HashSet<UserId>>,
}
