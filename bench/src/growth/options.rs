//! What can be asked for on the command line.

use std::path::PathBuf;

use anyhow::ensure;
use nova_simulate::bulk::Scale;
use serde::Serialize;

/// A curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Memory of Redis against users.
    Memory,
    /// Latency of a miss against followees.
    Followees,
    /// Latency of a miss against posts and likes.
    Population,
    /// Lag of the projector against likes a second.
    Lag,
}

impl Part {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Followees, Self::Population, Self::Lag];
}

/// Options of `just bench growth`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// A running stack: its endpoints.json or the directory of it [default: a stack of its own is started].
    #[arg(long, value_name = "PATH", env = "NOVA_ENDPOINTS")]
    pub stack: Option<PathBuf>,
    /// How much data is loaded into a stack of its own; into a running one only with this [default: S].
    #[arg(long, value_name = "S|M|L")]
    pub scale: Option<Scale>,
    /// Further populations, each on a stack of its own: S, M, L, several or a part of these, such as S/10 [default:
    /// S/10,S/3; with --stack none].
    #[arg(long, value_name = "SCALE", value_delimiter = ',')]
    pub sizes: Option<Vec<Scale>>,
    /// Decides the populations, whose feeds are read, and which posts are liked by whom.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only these curves.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub parts: Vec<Part>,
    /// Seconds for which misses of one kind of viewers are measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 8)]
    pub seconds: u64,
    /// Viewers of one kind, at most.
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub viewers: usize,
    /// Users whose feeds are kept in Redis, growing; those beyond the population are left out.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [250, 500, 1_000, 2_000, 4_000])]
    pub users: Vec<usize>,
    /// Likes a second, growing; then twice as many again and again, until a backlog keeps growing.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [100.0, 300.0, 1_000.0, 3_000.0, 10_000.0])]
    pub rates: Vec<f64>,
    /// Seconds for which likes are written at one rate.
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    pub step: u64,
    /// The newest public posts, which are liked.
    #[arg(long, value_name = "N", default_value_t = 60_000)]
    pub posts: u32,
    /// Where report.json and the curves go.
    #[arg(long, value_name = "DIR", default_value = ".nova/bench/growth")]
    pub report: PathBuf,
}

impl Options {
    /// Refuses what makes no sense, before anything is started.
    ///
    /// # Errors
    /// The first option out of its range.
    pub fn check(&self) -> anyhow::Result<()> {
        for (option, value, least, most) in [
            ("seconds", self.seconds, 1, 600),
            ("viewers", self.viewers as u64, 1, 1_000),
            ("step", self.step, 6, 600),
            ("posts", u64::from(self.posts), 1_000, 10_000_000),
        ] {
            ensure!(
                (least..=most).contains(&value),
                "--{option}: {value} is not from {least} to {most}"
            );
        }
        ensure!(
            self.users.iter().all(|users| (1..=100_000).contains(users)) && grows(&self.users),
            "--users: not growing numbers from 1 to 100000"
        );
        ensure!(
            self.rates.iter().all(|rate| (1.0..=1e6).contains(rate)) && grows(&self.rates),
            "--rates: not growing numbers from 1 to 1000000"
        );
        Ok(())
    }

    /// Whether a curve is measured.
    #[must_use]
    pub fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// The populations beside the one that everything else is measured on, the smallest first as they are named.
    #[must_use]
    pub fn further_scales(&self) -> Vec<Scale> {
        match (&self.sizes, &self.stack) {
            _ if !self.wants(Part::Population) => Vec::new(),
            (Some(sizes), _) => sizes.clone(),
            (None, Some(_)) => Vec::new(),
            (None, None) => vec![Scale::S_10, Scale::S_3],
        }
    }
}

fn grows<T: PartialOrd>(values: &[T]) -> bool {
    !values.is_empty() && values.is_sorted_by(|a, b| a < b)
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
            "--seconds=0",
            "--viewers=0",
            "--step=5",
            "--posts=1",
            "--users=0",
            "--users=500,250",
            "--rates=0",
            "--rates=NaN",
            "--rates=300,300",
        ] {
            let refused = parse(&[argument]).check().unwrap_err().to_string();
            let (option, _) = argument.split_once('=').unwrap();
            assert!(refused.contains(option), "{refused}");
        }
    }

    #[test]
    fn all_curves_are_measured_unless_some_are_named() {
        assert!(Part::ALL.iter().all(|part| parse(&[]).wants(*part)));
        let some = parse(&["--parts", "lag,memory"]);
        let wanted = Part::ALL.map(|part| some.wants(part));
        assert_eq!(wanted, [true, false, false, true]);
    }

    #[test]
    fn further_stacks_are_started_only_where_they_are_of_use() {
        let further = |arguments: &[&str]| parse(arguments).further_scales();
        let parts = [Scale::S_10, Scale::S_3];
        assert_eq!(further(&["--parts=population"]), parts);
        assert_eq!(further(&["--parts=lag"]), []);
        assert_eq!(further(&["--stack=there"]), []);
        assert_eq!(further(&["--stack=there", "--sizes=M"]), [Scale::M]);
    }
}
