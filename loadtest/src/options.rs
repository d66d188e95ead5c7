//! What can be asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use nova_simulate::bulk::Scale;
use nova_testbed::Provider;

use crate::attack::Plan;
use crate::audience::Habits;
use crate::behaviour::Behaviour;
use crate::data::Population;
use crate::schedule::{Phases, Rates};
use crate::thresholds::Gate;

/// Puts a running Nova under load and holds it against its service levels. Ends with 1 when one of them does not hold.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "just load", version, about)]
pub struct Options {
    /// A running stack: its endpoints.json or the directory of it [default: a stack of its own is started].
    #[arg(long, value_name = "PATH", env = "NOVA_ENDPOINTS")]
    pub stack: Option<PathBuf>,
    /// What a stack of its own runs on.
    #[arg(long, value_enum, default_value_t = On::Processes, conflicts_with = "stack")]
    pub provider: On,
    /// How much data is loaded into a stack of its own, as `nova simulate --scale` takes it: S, M, L, several or a part of
    /// these; into a running one only with this [default: S]. In a smoke run beside the change stream.
    #[arg(long, value_name = "S|M|L")]
    pub scale: Option<Scale>,
    /// Decides the population, the arrivals and what people do.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Feed reads a second [default: 200, in a smoke run 20].
    #[arg(long, value_name = "RATE", help_heading = "Load")]
    pub reads: Option<f64>,
    /// Likes a second [default: 20, in a smoke run 2].
    #[arg(long, value_name = "RATE", help_heading = "Load")]
    pub likes: Option<f64>,
    /// Posts a second [default: 2, in a smoke run 0.2].
    #[arg(long, value_name = "RATE", help_heading = "Load")]
    pub posts: Option<f64>,
    /// Requests for suggested users a second [default: 2, in a smoke run 1].
    #[arg(long, value_name = "RATE", help_heading = "Load")]
    pub suggested: Option<f64>,
    /// Requests for trending posts a second [default: 2, in a smoke run 1].
    #[arg(long, value_name = "RATE", help_heading = "Load")]
    pub trending: Option<f64>,
    /// Likes a second that are followed into another user's feed.
    #[arg(
        long,
        value_name = "RATE",
        default_value_t = 1.0,
        help_heading = "Load"
    )]
    pub probes: f64,

    /// Share of visits that read pages 2 and 3.
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.3,
        help_heading = "Viewers"
    )]
    pub deeper: f64,
    /// Mean seconds between two visits of a viewer who is online.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 5.0,
        help_heading = "Viewers"
    )]
    pub gap: f64,
    /// Mean visits of a session.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 24.0,
        help_heading = "Viewers"
    )]
    pub visits: f64,
    /// Mean number of posts seen on a page.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3.3,
        help_heading = "Viewers"
    )]
    pub seen: f64,
    /// Share of the posts seen that a viewer would like.
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.03,
        help_heading = "Viewers"
    )]
    pub liked: f64,

    /// Seconds before measuring, in whose first half the rates grow [default: 60, in a smoke run 20].
    #[arg(long, value_name = "SECONDS", help_heading = "Run")]
    pub warm_up: Option<u64>,
    /// Seconds of measuring [default: 120, in a smoke run 55].
    #[arg(long, value_name = "SECONDS", help_heading = "Run")]
    pub duration: Option<u64>,
    /// What is the threshold: the limits never to cross, or the goals.
    #[arg(long, value_enum, default_value_t = Gate::Levels, help_heading = "Run")]
    pub gate: Gate,
    /// Where report.json and report.html go.
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".nova/load",
        help_heading = "Run"
    )]
    pub report: PathBuf,
    /// Two to three minutes in total, at rates for a small machine and a debug build.
    #[arg(long, help_heading = "Run")]
    pub smoke: bool,
}

/// How the servers of its own stack run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum On {
    /// From the pinned packages.
    Processes,
    /// Docker; needs the feature `containers`.
    Containers,
}

impl From<On> for Provider {
    fn from(on: On) -> Self {
        match on {
            On::Processes => Self::Processes,
            On::Containers => Self::Containers,
        }
    }
}

/// What a run is without options.
struct Defaults {
    rates: Rates,
    warm_up: u64,
    duration: u64,
}

const FULL: Defaults = Defaults {
    rates: Rates {
        reads: 200.0,
        likes: 20.0,
        posts: 2.0,
        suggested: 2.0,
        trending: 2.0,
    },
    warm_up: 180,
    duration: 120,
};

/// A tenth of it: what two cores take of a debug build beside all servers. The rates of the rest leave enough values for
/// a percentile.
const SMOKE: Defaults = Defaults {
    rates: Rates {
        reads: 20.0,
        likes: 2.0,
        posts: 0.2,
        suggested: 1.0,
        trending: 1.0,
    },
    warm_up: 20,
    duration: 55,
};

impl Options {
    /// What is loaded before the run, into a stack of its `own` or into a running one.
    #[must_use]
    pub fn population(&self, own: bool) -> Option<Population> {
        let scale = self.scale.or(own.then_some(Scale::S))?;
        Some(Population {
            scale,
            beside: self.smoke,
        })
    }

    /// What is to be run against the API at `api`.
    ///
    /// # Errors
    /// The first option that makes no sense.
    pub fn plan(&self, api: &str, auth_secret: &str) -> anyhow::Result<Plan> {
        let defaults = if self.smoke { &SMOKE } else { &FULL };
        let rates = Rates {
            reads: self.reads.unwrap_or(defaults.rates.reads),
            likes: self.likes.unwrap_or(defaults.rates.likes),
            posts: self.posts.unwrap_or(defaults.rates.posts),
            suggested: self.suggested.unwrap_or(defaults.rates.suggested),
            trending: self.trending.unwrap_or(defaults.rates.trending),
        };
        let warm_up = Duration::from_secs(self.warm_up.unwrap_or(defaults.warm_up));
        let measured = Duration::from_secs(self.duration.unwrap_or(defaults.duration));
        for (option, value) in [
            ("reads", rates.reads),
            ("likes", rates.likes),
            ("posts", rates.posts),
            ("suggested", rates.suggested),
            ("trending", rates.trending),
            ("probes", self.probes),
            ("gap", self.gap),
            ("visits", self.visits),
            ("seen", self.seen),
        ] {
            if !(0.0..=1e6).contains(&value) {
                bail!("--{option}: {value} is not from 0 to 1,000,000");
            }
        }
        for (option, share) in [("deeper", self.deeper), ("liked", self.liked)] {
            if !(0.0..=1.0).contains(&share) {
                bail!("--{option}: {share} is not a share from 0 to 1");
            }
        }
        if measured.is_zero() {
            bail!("--duration: 0 s measure nothing");
        }
        Ok(Plan {
            api: api.to_owned(),
            auth_secret: auth_secret.to_owned(),
            rates,
            deeper: self.deeper,
            habits: Habits {
                gap: self.gap,
                visits: self.visits,
            },
            behaviour: Behaviour {
                seen: self.seen,
                liked: self.liked,
                ..Behaviour::default()
            },
            probes: self.probes,
            phases: Phases {
                ramp: warm_up * 5 / 6,
                warm_up,
                measured,
            },
            seed: self.seed,
            users: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    fn plan(arguments: &[&str]) -> anyhow::Result<Plan> {
        let arguments = std::iter::once("load").chain(arguments.iter().copied());
        Options::try_parse_from(arguments)?.plan("http://127.0.0.1:1", "secret")
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn the_stated_rates_are_the_default_and_a_smoke_run_is_smaller() {
        let full = plan(&[]).unwrap();
        assert_eq!(full.rates, FULL.rates);
        let smoke = plan(&["--smoke", "--likes", "5"]).unwrap();
        assert!((smoke.rates.likes - 5.0).abs() < 1e-9);
        assert!((smoke.rates.reads - 20.0).abs() < 1e-9);
        assert!(smoke.phases.total() < Duration::from_secs(80));
    }

    #[test]
    fn only_a_stack_of_its_own_is_loaded_without_being_asked_for() {
        let population = |arguments: &[&str], own| {
            let arguments = std::iter::once("load").chain(arguments.iter().copied());
            Options::parse_from(arguments).population(own)
        };
        let of = |scale, beside| Some(Population { scale, beside });
        assert_eq!(population(&[], false), None);
        assert_eq!(population(&["--smoke"], false), None);
        assert_eq!(population(&[], true), of(Scale::S, false));
        assert_eq!(population(&["--smoke"], true), of(Scale::S, true));
        assert_eq!(
            population(&["--smoke", "--scale", "M"], true),
            of(Scale::M, true)
        );
        assert_eq!(population(&["--scale", "M"], false), of(Scale::M, false));
    }

    #[test]
    fn options_without_sense_are_refused_by_name() {
        for argument in ["--reads=-1", "--deeper=1.5", "--duration=0", "--gap=nan"] {
            let refused = plan(&[argument]).unwrap_err().to_string();
            let (option, _) = argument.split_once('=').unwrap();
            assert!(refused.contains(option), "{refused}");
        }
    }
}
