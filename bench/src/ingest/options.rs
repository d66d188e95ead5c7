//! What can be asked for on the command line.

use std::path::PathBuf;

use anyhow::ensure;
use nova_simulate::bulk::Scale;
use serde::Serialize;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Rows from PostgreSQL to ClickHouse.
    Rows,
    /// The same, while PostgreSQL does not check foreign keys: what the stream takes in.
    Unchecked,
    /// Client events from the API to ClickHouse.
    Events,
    /// A backlog that is worked off while feeds are read.
    Backlog,
}

/// Options of `just bench ingest`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// A running stack: its endpoints.json or the directory of it [default: a stack of its own is started].
    #[arg(long, value_name = "PATH", env = "NOVA_ENDPOINTS")]
    pub stack: Option<PathBuf>,
    /// How much data is loaded into a stack of its own; into a running one only with this [default: S].
    #[arg(long, value_name = "S|M|L")]
    pub scale: Option<Scale>,
    /// Decides the population, which posts are liked by whom, and whose feeds are read.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// Seconds for which rows and events are measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub seconds: u64,
    /// Rows or events that have to arrive before that, until the servers' compilers have had their say.
    #[arg(long, value_name = "N", default_value_t = 300_000)]
    pub warm_up: u64,
    /// Rows a second that are written [default: as many as arrive].
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,
    /// Rows of a transaction.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub batch: usize,
    /// Without a rate: the writer waits while more rows than this are under way.
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    pub under_way: u64,
    /// The newest public posts, which are liked.
    #[arg(long, value_name = "N", default_value_t = 60_000)]
    pub posts: u32,
    /// Connections that send events.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub connections: usize,
    /// Rows that pile up while nobody reads the change stream.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub backlog: u64,
    /// Feed reads a second while that is worked off.
    #[arg(long, value_name = "N", default_value_t = 50.0)]
    pub reads: f64,
    /// Where report.json goes.
    #[arg(long, value_name = "DIR", default_value = ".nova/bench/ingest")]
    pub report: PathBuf,
    /// End with a failure when a goal is missed.
    #[arg(long)]
    pub gate: bool,
}

impl Options {
    /// Refuses what makes no sense, before anything is started.
    ///
    /// # Errors
    /// The first option out of its range.
    pub fn check(&self) -> anyhow::Result<()> {
        for (option, value, least, most) in [
            ("seconds", self.seconds, 5, 600),
            ("warm-up", self.warm_up, 1, 10_000_000),
            ("batch", self.batch as u64, 1, 50_000),
            ("under-way", self.under_way, 1_000, 10_000_000),
            ("posts", u64::from(self.posts), 1_000, 10_000_000),
            ("connections", self.connections as u64, 1, 256),
            ("backlog", self.backlog, 10_000, 20_000_000),
        ] {
            ensure!(
                (least..=most).contains(&value),
                "--{option}: {value} is not from {least} to {most}"
            );
        }
        for (option, value) in [("rate", self.rate.unwrap_or(1.0)), ("reads", self.reads)] {
            ensure!(
                (1.0..=1e6).contains(&value),
                "--{option}: {value} is not from 1 to 1000000"
            );
        }
        Ok(())
    }

    /// Whether a part is measured.
    #[must_use]
    pub fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Options {
        crate::options::parsed(arguments)
    }

    #[test]
    fn options_without_sense_are_refused_by_name() {
        assert!(parse(&[]).check().is_ok());
        for argument in [
            "--seconds=1",
            "--warm-up=0",
            "--rate=0",
            "--rate=NaN",
            "--batch=0",
            "--under-way=1",
            "--posts=1",
            "--connections=0",
            "--backlog=1",
            "--reads=0",
        ] {
            let refused = parse(&[argument]).check().unwrap_err().to_string();
            let (option, _) = argument.split_once('=').unwrap();
            assert!(refused.contains(option), "{refused}");
        }
    }

    #[test]
    fn all_parts_are_measured_unless_some_are_named() {
        let all = [Part::Rows, Part::Unchecked, Part::Events, Part::Backlog];
        assert!(all.iter().all(|part| parse(&[]).wants(*part)));
        let some = parse(&["--only", "events"]);
        assert_eq!(
            all.map(|part| some.wants(part)),
            [false, false, true, false]
        );
    }
}
