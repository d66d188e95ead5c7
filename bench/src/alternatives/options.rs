//! What can be asked for on the command line.

use std::path::PathBuf;

use anyhow::ensure;
use nova_simulate::bulk::Scale;

use super::contenders::Contender;

/// Options of `just bench alternatives`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// A running stack: its endpoints.json or the directory of it [default: a stack of its own is started].
    #[arg(long, value_name = "PATH", env = "NOVA_ENDPOINTS")]
    pub stack: Option<PathBuf>,
    /// How much data is loaded into a stack of its own; into a running one only with this [default: S].
    #[arg(long, value_name = "S|M|L")]
    pub scale: Option<Scale>,
    /// Decides the population and the sample of viewers.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Viewers whose feeds are read, 100 to 5,000.
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub viewers: usize,
    /// Seconds for which each contender is measured at each number of connections.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub seconds: u64,
    /// Seconds of the same load before that.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub warm_up: u64,
    /// Connections of the second measurement, at low load; the first has one.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub low: usize,
    /// Connections of the third measurement, at saturation.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub saturation: usize,
    /// Only these contenders.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Contender>,
    /// Where report.json and sql-plan.txt go.
    #[arg(long, value_name = "DIR", default_value = ".nova/bench/alternatives")]
    pub report: PathBuf,
    /// End with a failure when the goal is missed.
    #[arg(long)]
    pub gate: bool,
}

impl Options {
    /// Refuses what makes no sense, before anything is started.
    ///
    /// # Errors
    /// The first option out of its range.
    pub fn check(&self) -> anyhow::Result<()> {
        // One user may ask 100 times a second: fewer viewers than that share the load with the rate limit.
        for (option, value, least, most) in [
            ("viewers", self.viewers, 100, 5_000),
            ("low", self.low, 1, 256),
            ("saturation", self.saturation, 1, 256),
        ] {
            ensure!(
                (least..=most).contains(&value),
                "--{option}: {value} is not from {least} to {most}"
            );
        }
        for (option, value, least) in [("seconds", self.seconds, 1), ("warm-up", self.warm_up, 0)] {
            ensure!(
                (least..=600).contains(&value),
                "--{option}: {value} is not from {least} to 600"
            );
        }
        ensure!(
            self.viewers >= self.saturation.max(self.low),
            "--viewers: fewer than connections"
        );
        Ok(())
    }

    /// Who is measured, in the order of the report.
    #[must_use]
    pub fn contenders(&self) -> Vec<Contender> {
        let wanted = |contender: &Contender| self.only.is_empty() || self.only.contains(contender);
        Contender::ALL.into_iter().filter(wanted).collect()
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
            "--viewers=20",
            "--low=0",
            "--saturation=999",
            "--seconds=0",
            "--warm-up=601",
        ] {
            let refused = parse(&[argument]).check().unwrap_err().to_string();
            let (option, _) = argument.split_once('=').unwrap();
            assert!(refused.contains(option), "{refused}");
        }
    }

    #[test]
    fn all_are_measured_unless_some_are_named() {
        assert_eq!(parse(&[]).contenders(), Contender::ALL);
        let some = parse(&["--only", "floor,nova-hit"]).contenders();
        assert_eq!(some, [Contender::NovaHit, Contender::Floor]);
    }
}
