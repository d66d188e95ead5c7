//! The hops of a like from whoever writes it to the counters in Redis, and what waits in front of each.

use nova_loadtest::summary::number;
use serde::Serialize;

/// In the order of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// Whoever writes, and PostgreSQL.
    Postgres,
    /// From PostgreSQL to Kafka: WAL sender, Debezium, Kafka's producer.
    Connect,
    /// From Kafka to ClickHouse: consumer, decoding, views, parts.
    ClickHouse,
    /// From Kafka to Redis: the projector, which waits for ClickHouse to count.
    Projector,
}

impl Hop {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Postgres,
        Self::Connect,
        Self::ClickHouse,
        Self::Projector,
    ];

    /// As the tables call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Connect => "PostgreSQL to Kafka",
            Self::ClickHouse => "Kafka to ClickHouse",
            Self::Projector => "Kafka to Redis",
        }
    }
}

/// Likes that passed each hop since the beginning of a step, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Passed {
    /// Seconds since the beginning.
    pub at: f64,
    /// Due by the rate.
    pub due: f64,
    /// Committed in PostgreSQL; without the single likes, five a second, which the hops behind have passed too.
    pub postgres: u64,
    /// In Kafka.
    pub kafka: u64,
    /// In ClickHouse.
    pub clickhouse: u64,
    /// Projected to Redis, as far as the projector has committed, which it does once a second.
    pub projector: u64,
}

impl Passed {
    /// Likes that wait in front of a hop.
    pub(super) fn backlog(&self, hop: Hop) -> f64 {
        let waiting = |before: u64, after: u64| number(before.saturating_sub(after));
        match hop {
            Hop::Postgres => (self.due - number(self.postgres)).max(0.0),
            Hop::Connect => waiting(self.postgres, self.kafka),
            Hop::ClickHouse => waiting(self.kafka, self.clickhouse),
            Hop::Projector => waiting(self.kafka, self.projector),
        }
    }
}

/// What waits in front of a hop over a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backlog {
    /// In front of which.
    pub hop: Hop,
    /// Likes, the mean over the middle third of the step.
    pub middle: f64,
    /// Likes, the mean over the last third.
    pub end: f64,
    /// Likes a second by which it grew from the one to the other.
    pub growth: f64,
}

impl Backlog {
    /// Over a step of so many seconds; nothing of too few samples.
    pub(super) fn over(samples: &[Passed], hop: Hop, seconds: f64) -> Option<Self> {
        let third = seconds / 3.0;
        let mean = |from: f64| {
            let within = samples.iter();
            let within = within.filter(|one| (from..=from + third).contains(&one.at));
            let waiting: Vec<f64> = within.map(|one| one.backlog(hop)).collect();
            let count = number(waiting.len() as u64);
            (count > 0.0).then(|| waiting.iter().sum::<f64>() / count)
        };
        let (middle, end) = (mean(third)?, mean(2.0 * third)?);
        Some(Self {
            hop,
            middle,
            end,
            growth: (end - middle) / third,
        })
    }

    /// Whether it keeps growing at a rate of so many likes a second: by at least a tenth of them, and to at least what
    /// comes in a second. Less is how far apart two commits of the projector are, or two parts of ClickHouse.
    pub(super) fn keeps_growing(&self, rate: f64) -> bool {
        self.growth >= GROWS * rate && self.end >= rate
    }
}

/// The part of the likes that has to stay behind.
const GROWS: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(at: u32, clickhouse: u64) -> Passed {
        let all = u64::from(at) * 1_000;
        Passed {
            at: f64::from(at),
            due: number(all),
            postgres: all,
            kafka: all.saturating_sub(100),
            clickhouse,
            projector: all,
        }
    }

    #[test]
    fn what_waits_is_between_two_hops() {
        let one = Passed {
            at: 1.0,
            due: 1_000.0,
            postgres: 900,
            kafka: 700,
            clickhouse: 400,
            projector: 710,
        };
        let all = Hop::ALL.map(|hop| one.backlog(hop)).to_vec();
        assert_eq!(all, [100.0, 200.0, 300.0, 0.0]);
    }

    #[test]
    fn a_backlog_grows_from_the_middle_to_the_end() {
        // ClickHouse takes 800 of 1,000 a second.
        let samples: Vec<Passed> = (0..=15).map(|at| passed(at, u64::from(at) * 800)).collect();
        let backlog = Backlog::over(&samples, Hop::ClickHouse, 15.0).unwrap();
        assert!((backlog.growth - 200.0).abs() < 1e-6, "{backlog:?}");
        assert!(backlog.keeps_growing(1_000.0));
        let connect = Backlog::over(&samples, Hop::Connect, 15.0).unwrap();
        assert!(connect.growth.abs() < 1e-6 && !connect.keeps_growing(1_000.0));
        assert_eq!(Backlog::over(&samples[..3], Hop::Connect, 15.0), None);
    }

    #[test]
    fn what_comes_in_less_than_a_second_is_no_backlog() {
        let backlog = |end, growth| Backlog {
            hop: Hop::Projector,
            middle: 0.0,
            end,
            growth,
        };
        assert!(backlog(1_000.0, 100.0).keeps_growing(1_000.0));
        assert!(!backlog(999.0, 100.0).keeps_growing(1_000.0));
        assert!(!backlog(5_000.0, 99.0).keeps_growing(1_000.0));
    }
}
