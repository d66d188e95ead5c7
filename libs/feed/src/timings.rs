//! How long the stages of one feed took.

use std::fmt::Write as _;
use std::time::Duration;

use nova_domain::Source;

/// Wall-clock times of one feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timings {
    /// Everything asked of Redis, one after the other.
    pub cache: Duration,
    /// Everything a ranking asked of ClickHouse: the sources and interactions in parallel, then the counts.
    pub clickhouse: Duration,
    /// Each source.
    pub sources: Vec<(Source, Duration)>,
    /// The viewer's interactions.
    pub interactions: Duration,
    /// The exact counts.
    pub counts: Duration,
    /// PostgreSQL saying what the viewer may see; runs beside the counts.
    pub visible: Duration,
    /// Filling the page, without the time in Redis.
    pub hydrate: Duration,
    /// The whole feed.
    pub total: Duration,
}

impl Timings {
    /// Takes over what a ranking took.
    pub(crate) fn ranked(&mut self, ranking: &Self) {
        self.clickhouse += ranking.clickhouse;
        self.sources.clone_from(&ranking.sources);
        self.interactions = ranking.interactions;
        self.counts += ranking.counts;
        self.visible = ranking.visible;
    }

    /// The value of a `Server-Timing` header; durations in milliseconds. Only a ranking has its stages in it.
    #[must_use]
    pub fn server_timing(&self) -> String {
        // What a hit's takes.
        let mut header = String::with_capacity(96);
        let mut add = |name: &str, took: Duration| {
            let separator = if header.is_empty() { "" } else { ", " };
            // Writing into a String cannot fail.
            let _ = write!(
                header,
                "{separator}{name};dur={:.1}",
                took.as_secs_f64() * 1_000.0
            );
        };
        add("cache", self.cache);
        add("clickhouse", self.clickhouse);
        for (source, took) in &self.sources {
            add(source_stage(*source), *took);
        }
        if !self.sources.is_empty() {
            add("interactions", self.interactions);
            add("counts", self.counts);
            add("visible", self.visible);
        }
        add("hydrate", self.hydrate);
        add("total", self.total);
        header
    }
}

const fn source_stage(source: Source) -> &'static str {
    match source {
        Source::Follow => "source_follow",
        Source::Trending => "source_trending",
        Source::Affinity => "source_affinity",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_header_names_every_stage() {
        let timings = Timings {
            cache: ms(8),
            clickhouse: Duration::from_micros(12_345),
            sources: vec![
                (Source::Follow, ms(1)),
                (Source::Trending, ms(2)),
                (Source::Affinity, ms(3)),
            ],
            interactions: ms(4),
            counts: ms(5),
            visible: ms(6),
            hydrate: ms(7),
            total: ms(20),
        };
        assert_eq!(
            timings.server_timing(),
            "cache;dur=8.0, clickhouse;dur=12.3, source_follow;dur=1.0, source_trending;dur=2.0, \
             source_affinity;dur=3.0, interactions;dur=4.0, counts;dur=5.0, visible;dur=6.0, hydrate;dur=7.0, \
             total;dur=20.0"
        );
    }

    #[test]
    fn a_hit_has_no_stages_of_a_ranking() {
        let timings = Timings {
            cache: ms(1),
            total: ms(2),
            ..Timings::default()
        };
        assert_eq!(
            timings.server_timing(),
            "cache;dur=1.0, clickhouse;dur=0.0, hydrate;dur=0.0, total;dur=2.0"
        );
    }
}
