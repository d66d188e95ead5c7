//! How far each hop was at which moment, and what follows from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nova_loadtest::summary::number;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{ClickHouse, EndOffsets};

/// Rows that passed each hop since the beginning, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// Seconds since the beginning.
    pub at: f64,
    /// Given to the stream: committed in PostgreSQL, or accepted by the API.
    pub given: u64,
    /// In Kafka: the topic's end.
    pub kafka: u64,
    /// In ClickHouse.
    pub clickhouse: u64,
}

/// What is shared between whoever writes and whoever looks.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    given: AtomicU64,
    clickhouse: AtomicU64,
}

impl Counts {
    /// So many more were given to the stream.
    pub(crate) fn give(&self, more: u64) {
        self.given.fetch_add(more, Ordering::AcqRel);
    }

    /// How many were given.
    pub(crate) fn given(&self) -> u64 {
        self.given.load(Ordering::Acquire)
    }

    /// How many had arrived at the last look.
    pub(crate) fn arrived(&self) -> u64 {
        self.clickhouse.load(Ordering::Acquire)
    }

    /// How many are under way, as of the last look.
    pub(crate) fn under_way(&self) -> u64 {
        self.given().saturating_sub(self.arrived())
    }
}

/// Where to look.
#[derive(Debug, Clone)]
pub(crate) struct Looker {
    pub(crate) clickhouse: ClickHouse,
    pub(crate) topic: EndOffsets,
    /// Answers a number that grows by one with each row: rows of a table from the metadata of its parts, which costs
    /// nothing and is exact as long as nothing is delivered twice.
    pub(crate) counting: &'static str,
}

/// Where a course begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    begun: Instant,
    kafka: u64,
    clickhouse: u64,
}

/// Between two looks at ClickHouse: what a writer's pace follows.
const LOOK: Duration = Duration::from_millis(100);
/// Looks at ClickHouse for one at Kafka, which is four requests.
const LOOKS: u32 = 5;

impl Looker {
    /// Now is the beginning.
    pub(crate) async fn origin(&self) -> anyhow::Result<Origin> {
        Ok(Origin {
            begun: Instant::now(),
            kafka: self.topic.total().await?,
            clickhouse: self.clickhouse.number(self.counting).await?,
        })
    }

    /// How many have arrived.
    pub(crate) async fn arrived(&self, origin: &Origin) -> anyhow::Result<u64> {
        let now = self.clickhouse.number(self.counting).await?;
        Ok(now.saturating_sub(origin.clickhouse))
    }

    /// Looks ten times a second until it is told to stop, and keeps every fifth look.
    pub(crate) async fn watch(
        self,
        origin: Origin,
        counts: Arc<Counts>,
        stop: CancellationToken,
    ) -> anyhow::Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let mut turn = interval(LOOK);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0_u32;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = turn.tick() => {}
            }
            let arrived = self.arrived(&origin).await?;
            counts.clickhouse.store(arrived, Ordering::Release);
            if looks.is_multiple_of(LOOKS) {
                // In this order, so that no hop seems to be behind for what came between two questions only.
                let at = origin.begun.elapsed().as_secs_f64();
                let kafka = self.topic.total().await?.saturating_sub(origin.kafka);
                samples.push(Sample {
                    at,
                    given: counts.given(),
                    kafka,
                    clickhouse: arrived,
                });
            }
            looks += 1;
        }
        Ok(samples)
    }
}

impl Origin {
    /// Seconds since then.
    pub(crate) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

/// A stretch of a course, hop by hop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Hops {
    /// Seconds from the first to the last sample of the stretch.
    pub seconds: f64,
    /// Rows a second given to the stream.
    pub given_per_second: f64,
    /// Rows a second that arrived in Kafka.
    pub kafka_per_second: f64,
    /// Rows a second that became visible in ClickHouse.
    pub clickhouse_per_second: f64,
    /// Rows given and not in Kafka, the mean over the stretch.
    pub before_kafka: f64,
    /// Rows in Kafka and not in ClickHouse, the mean over the stretch.
    pub before_clickhouse: f64,
    /// The worst second: rows that became visible in it.
    pub slowest_second: f64,
}

impl Hops {
    /// Of the samples from one moment to another, in seconds; none of fewer than two.
    pub(crate) fn over(samples: &[Sample], from: f64, to: f64) -> Option<Self> {
        let within = samples
            .iter()
            .filter(|sample| (from..=to).contains(&sample.at));
        let within: Vec<&Sample> = within.collect();
        let (first, last) = (within.first()?, within.last()?);
        let seconds = last.at - first.at;
        if seconds <= 0.0 {
            return None;
        }
        let rate = |of: fn(&Sample) -> u64| number(of(last).saturating_sub(of(first))) / seconds;
        let mean = |of: fn(&Sample) -> u64| {
            let sum: u64 = within.iter().map(|sample| of(sample)).sum();
            number(sum) / number(within.len() as u64)
        };
        Some(Self {
            seconds,
            given_per_second: rate(|sample| sample.given),
            kafka_per_second: rate(|sample| sample.kafka),
            clickhouse_per_second: rate(|sample| sample.clickhouse),
            before_kafka: mean(|sample| sample.given.saturating_sub(sample.kafka)),
            before_clickhouse: mean(|sample| sample.kafka.saturating_sub(sample.clickhouse)),
            slowest_second: slowest(&within).unwrap_or(0.0),
        })
    }
}

/// The lowest rate of arrival over any stretch of at least a second.
fn slowest(within: &[&Sample]) -> Option<f64> {
    let rates = within.iter().enumerate().filter_map(|(place, first)| {
        let later = within.get(place..)?.iter();
        let last = later.clone().find(|last| last.at - first.at >= 1.0)?;
        let rows = last.clickhouse.saturating_sub(first.clickhouse);
        Some(number(rows) / (last.at - first.at))
    });
    rates.min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: f64, given: u64, kafka: u64, clickhouse: u64) -> Sample {
        Sample {
            at,
            given,
            kafka,
            clickhouse,
        }
    }

    #[test]
    fn rates_and_backlogs_of_a_stretch() {
        let samples = [
            sample(0.0, 0, 0, 0),
            sample(1.0, 1_000, 900, 500),
            sample(2.0, 2_000, 1_900, 1_400),
            sample(3.0, 3_000, 2_900, 2_600),
            sample(4.0, 9_000, 9_000, 9_000),
        ];
        let hops = Hops::over(&samples, 0.5, 3.5).unwrap();
        let near = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
        assert!(near(hops.seconds, 2.0));
        assert!(near(hops.given_per_second, 1_000.0));
        assert!(near(hops.kafka_per_second, 1_000.0));
        assert!(near(hops.clickhouse_per_second, 1_050.0));
        assert!(near(hops.before_kafka, 100.0));
        assert!(near(hops.before_clickhouse, 400.0));
        assert!(near(hops.slowest_second, 900.0));
    }

    #[test]
    fn a_moment_is_no_stretch() {
        let samples = [sample(1.0, 1, 1, 1), sample(2.0, 2, 2, 2)];
        assert_eq!(Hops::over(&samples, 0.5, 1.5), None);
        assert_eq!(Hops::over(&[], 0.0, 9.0), None);
    }

    #[test]
    fn what_arrived_late_in_the_look_is_not_negative() {
        let samples = [sample(0.0, 5, 9, 7), sample(1.0, 6, 9, 12)];
        let hops = Hops::over(&samples, 0.0, 1.0).unwrap();
        assert!(hops.before_kafka.abs() < 1e-9 && hops.before_clickhouse >= 0.0);
    }
}
