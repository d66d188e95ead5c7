//! What a load did, in numbers.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use super::counters::Unseeded;

/// Where something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// PostgreSQL.
    Postgres,
    /// ClickHouse.
    ClickHouse,
    /// Kafka, with what follows from it.
    Stream,
    /// Redis.
    Redis,
}

impl Side {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::ClickHouse => "clickhouse",
            Self::Stream => "stream",
            Self::Redis => "redis",
        }
    }
}

/// One step on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// Where.
    pub side: Side,
    /// A table, or what was done.
    pub name: &'static str,
    /// Rows written now: none for other steps, and for what an earlier run wrote.
    pub rows: u64,
    /// From beginning to end.
    pub took: Duration,
}

impl fmt::Display for StepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        write!(f, "{:<22}", self.name)?;
        if self.rows == 0 {
            return write!(f, "{:>12}{seconds:>9.1} s", "");
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people"
        )]
        let rate = (self.rows as f64 / seconds.max(0.001)) as u64;
        write!(
            f,
            "{:>12}{seconds:>9.1} s{:>12}/s",
            with_separators(self.rows),
            with_separators(rate)
        )
    }
}

/// The result of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkReport {
    /// The time that all times are relative to: with it, the same load can be made elsewhere.
    pub base: DateTime<Utc>,
    /// The version of the rows in ClickHouse; none when the change stream gave each its own.
    pub version: Option<u64>,
    /// Whether it went on with a load that had broken off.
    pub resumed: bool,
    /// In the order in which they ended, side by side.
    pub steps: Vec<StepReport>,
    /// How long PostgreSQL's side waited for replication slots.
    pub waited: Duration,
    /// Why Redis lacks counters of recent posts after a load beside the stream; none when it has them all, and for a load
    /// through the stream, of which `nova projector` tells it.
    pub unseeded: Option<Unseeded>,
    /// PostgreSQL's database on disk, without WAL.
    pub postgres_bytes: u64,
    /// ClickHouse's tables on disk.
    pub clickhouse_bytes: u64,
    /// From beginning to end.
    pub took: Duration,
}

impl BulkReport {
    /// Rows written to a table of one side.
    #[must_use]
    pub fn rows(&self, side: Side, name: &str) -> u64 {
        self.steps
            .iter()
            .filter(|step| step.side == side && step.name == name)
            .map(|step| step.rows)
            .sum()
    }
}

impl fmt::Display for BulkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for side in [Side::Postgres, Side::ClickHouse, Side::Stream, Side::Redis] {
            for step in self.steps.iter().filter(|step| step.side == side) {
                writeln!(f, "{:<11}{step}", side.as_str())?;
            }
        }
        if !self.waited.is_zero() {
            let seconds = self.waited.as_secs_f64();
            writeln!(f, "waited {seconds:.1} s for replication slots")?;
        }
        if let Some(unseeded) = &self.unseeded {
            writeln!(
                f,
                "Redis has not the counters of all recent posts: {unseeded}. ClickHouse counts what is missing whenever it is read"
            )?;
        }
        let gigabytes = |bytes: u64| {
            #[expect(clippy::cast_precision_loss, reason = "a size for people")]
            let bytes = bytes as f64;
            bytes / 1e9
        };
        writeln!(
            f,
            "on disk: {:.2} GB in PostgreSQL, {:.2} GB in ClickHouse",
            gigabytes(self.postgres_bytes),
            gigabytes(self.clickhouse_bytes)
        )?;
        write!(
            f,
            "{} in {:.1} s, base time {}",
            if self.resumed { "finished" } else { "loaded" },
            self.took.as_secs_f64(),
            self.base.to_rfc3339_opts(SecondsFormat::Millis, true)
        )
    }
}

/// `1,234,567`.
pub(super) fn with_separators(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_lacks_is_told() {
        let mut report = BulkReport {
            base: DateTime::UNIX_EPOCH,
            version: Some(7),
            resumed: false,
            steps: vec![StepReport {
                side: Side::Redis,
                name: "counters",
                rows: 40_000,
                took: Duration::from_secs(2),
            }],
            waited: Duration::ZERO,
            unseeded: None,
            postgres_bytes: 1,
            clickhouse_bytes: 1,
            took: Duration::from_secs(3),
        };
        let told = report.to_string();
        assert!(told.starts_with("redis      counters"), "{told}");
        assert!(
            told.contains("20,000/s") && !told.contains("Redis has not"),
            "{told}"
        );
        report.unseeded = Some(Unseeded::Full { posts: 40_000 });
        let told = report.to_string();
        assert!(
            told.contains("after 40,000 posts. ClickHouse counts"),
            "{told}"
        );
    }

    #[test]
    fn numbers_are_readable() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(with_separators(number), text);
        }
    }
}
