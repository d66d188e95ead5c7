//! Who is measured, and what each cannot do.

use serde::Serialize;

/// A way to serve the first page of a feed, or a floor under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Contender {
    /// Nova, of a ranking that is kept.
    NovaHit,
    /// A handler that does nothing but the round trip of a hit.
    Floor,
    /// The protocol of Redis alone.
    PipelinedGets,
    /// Nova, ranked for each request.
    NovaMiss,
    /// What ClickHouse alone takes for a ranking.
    Questions,
    /// One statement to PostgreSQL.
    Sql,
    /// Lists in Redis, written with each post.
    FanOut,
}

/// The process that answers, as the report names it.
pub(super) const NOVA: &str = "nova";
/// The process of floors and alternatives.
pub(super) const SERVER: &str = "bench server";
/// The stores that answer where there is no server.
pub(super) const REDIS: &str = "redis";
pub(super) const CLICKHOUSE: &str = "clickhouse";

impl Contender {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::NovaHit,
        Self::Floor,
        Self::PipelinedGets,
        Self::NovaMiss,
        Self::Questions,
        Self::Sql,
        Self::FanOut,
    ];

    /// As the tables call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NovaHit => "nova hit",
            Self::Floor => "floor: axum + the round trip of a hit",
            Self::PipelinedGets => "floor: 20 pipelined GETs",
            Self::NovaMiss => "nova miss",
            Self::Questions => "floor: the questions of a miss",
            Self::Sql => "alternative: one SQL statement",
            Self::FanOut => "alternative: fan-out on write",
        }
    }

    /// What one request of it is.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::NovaHit => {
                "GET /api/v1/feed?limit=20 of viewers whose page is kept; other answers are left out"
            }
            Self::Floor => {
                "an axum handler sends to Redis what a hit sends, and answers as many bytes, made beforehand: no token, no JSON, no decision"
            }
            Self::PipelinedGets => "20 GETs of the items of a page in one pipeline, without HTTP",
            Self::NovaMiss => {
                "the same request of viewers without a ranking (their row in Redis is deleted before each request, untimed): sources, features, filters, score, diversity, page"
            }
            Self::Questions => {
                "what a ranking asks ClickHouse for one viewer: F1, interactions and then F3, impressions, side by side as Nova asks; without what rankings share (F2)"
            }
            Self::Sql => {
                "the three sources, formula, order and content of the page in one statement over Nova's tables, with covering indexes and counters in a table of their own"
            }
            Self::FanOut => {
                "ZREVRANGE of the viewer's list, then one HMGET for each post: content and counters in hashes"
            }
        }
    }

    /// The process that answers.
    #[must_use]
    pub const fn serving(self) -> &'static str {
        match self {
            Self::NovaHit | Self::NovaMiss => NOVA,
            Self::Floor | Self::Sql | Self::FanOut => SERVER,
            Self::PipelinedGets => REDIS,
            Self::Questions => CLICKHOUSE,
        }
    }

    /// Every process it cannot do without: their memory is what it needs.
    #[must_use]
    pub const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::NovaHit | Self::NovaMiss => {
                &[NOVA, "postgres", "kafka", REDIS, CLICKHOUSE, "connect"]
            }
            Self::Floor => &[SERVER, REDIS],
            Self::PipelinedGets => &[REDIS],
            Self::Questions => &[CLICKHOUSE],
            Self::Sql => &[SERVER, "postgres"],
            Self::FanOut => &[SERVER, "postgres", REDIS],
        }
    }

    /// What it cannot do that Nova does, or what it leaves out.
    #[must_use]
    pub const fn cannot(self) -> &'static [&'static str] {
        match self {
            Self::NovaHit => &[
                "know of a post of somebody one does not follow before the ranking is a minute old",
            ],
            Self::Floor => &[
                "make a page: it answers what Nova made",
                "check a token, apply counts, hide what was deleted",
            ],
            Self::PipelinedGets => &["anything but fetch values whose keys are known"],
            Self::NovaMiss => &[
                "answer without ClickHouse (then: the last ranking, the hot list, or the follow feed, and the answer says so)",
            ],
            Self::Questions => {
                &["count, filter, score, order, or make a page: it has the ids of candidates"]
            }
            Self::Sql => &[
                "use impressions or shares: they are events and not in PostgreSQL, so engagement is ln(1 + likes + 2 comments), not a rate",
                "put what the viewer has seen behind the rest, for the same reason",
                "spread authors over the feed",
                "keep pages stable: page 2 is computed anew from what is there then",
                "keep its counters without triggers, which every like then waits for (here they are filled once)",
                "answer without PostgreSQL, or leave reads out of the way of writes",
            ],
            Self::FanOut => &[
                "propose posts of authors one does not follow: no trending, no affinity; who follows nobody gets nothing",
                "rank: the order is the time of posting",
                "show whether the viewer likes a post, or put what was seen behind the rest",
                "take an unfollow, a block or a follow into account without rewriting the list",
                "keep counters exact: they are added up, so a repeated message counts twice",
                "post for free: each post is written to every follower's list, with how many there are",
                "say why a post is there",
            ],
        }
    }

    /// Whether its answers count only while the viewers' pages are kept in Redis.
    #[must_use]
    pub const fn needs_warm_pages(self) -> bool {
        matches!(self, Self::NovaHit | Self::Floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_needs_the_process_that_answers_and_says_what_it_cannot_do() {
        for contender in Contender::ALL {
            assert!(
                contender.needs().contains(&contender.serving()),
                "{contender:?}"
            );
            assert!(!contender.cannot().is_empty(), "{contender:?}");
        }
    }
}
