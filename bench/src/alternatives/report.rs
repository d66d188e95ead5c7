//! The report as it is saved.

use chrono::{DateTime, Utc};
use nova_loadtest::people::People;
use serde::Serialize;

use super::contenders::Contender;
use super::fan::{FanWrite, Filled};
use super::options::Options;
use super::sql::SqlSetup;
use super::summary::{Goal, Phase, cores};
use crate::process::Spent;

/// Everything a reader needs to judge the numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When the run ended.
    pub at: DateTime<Utc>,
    /// Where it ran and with what.
    pub setting: Setting,
    /// What each process uses when nothing is asked.
    pub idle: Vec<Idle>,
    /// In the order of the tables.
    pub contenders: Vec<ContenderReport>,
    /// The verdict; none when not both were measured.
    pub goal: Option<Goal>,
    /// What the SQL alternative needs in the database.
    pub sql_setup: Option<SqlSetup>,
    /// What fan-out on write keeps for the viewers.
    pub fan_out: Option<Filled>,
    /// What it pays when somebody posts.
    pub fan_out_write: Option<FanWrite>,
}

/// Where a run took place and with what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// `own` or `running`: whose stack it was.
    pub stack: String,
    /// Cores of this machine, which servers and clients share.
    pub cores: usize,
    /// Of this program, `debug` or `release`; `just bench` builds the servers of its own stack likewise.
    pub build: String,
    /// Users there are.
    pub users: usize,
    /// Posts there are.
    pub posts: u64,
    /// Likes there are.
    pub likes: u64,
    /// Viewers whose feeds were read.
    pub viewers: usize,
    /// Drawn before them and passed over: those they follow posted less than a page in 72 hours.
    pub passed_over: usize,
    /// Seconds of each measurement.
    pub seconds: u64,
    /// Seconds of the same load before.
    pub warm_up: u64,
    /// Of population and sample.
    pub seed: u64,
    /// Whether the servers were quiet before idling was measured.
    pub quiet: bool,
}

/// A process when nothing is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Idle {
    /// As the report calls it.
    pub name: String,
    /// Cores it uses.
    pub cores: Option<f64>,
}

/// One contender.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContenderReport {
    /// Which.
    pub contender: Contender,
    /// As the tables call it.
    pub name: &'static str,
    /// What a request of it is.
    pub what: &'static str,
    /// The process that answers.
    pub serving: &'static str,
    /// The processes it cannot do without.
    pub needs: &'static [&'static str],
    /// What it cannot do, or leaves out.
    pub cannot: &'static [&'static str],
    /// Answers that were read whole and found right.
    pub pages_read: u64,
    /// Different posts on them, all of which exist.
    pub posts_seen: usize,
    /// One for each number of connections, the last at saturation.
    pub phases: Vec<Phase>,
}

impl Setting {
    pub(super) fn of(
        options: &Options,
        own: bool,
        people: &People,
        passed_over: usize,
        quiet: bool,
    ) -> Self {
        Self {
            stack: if own { "own" } else { "running" }.to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            }
            .to_owned(),
            users: people.users.len(),
            posts: people.all_posts,
            likes: people.all_likes,
            viewers: options.viewers,
            passed_over,
            seconds: options.seconds,
            warm_up: options.warm_up,
            seed: options.seed,
            quiet,
        }
    }
}

impl Idle {
    pub(super) fn of(spent: &Spent) -> Vec<Self> {
        let processes = spent.processes.iter().map(|share| Self {
            name: share.name.clone(),
            cores: cores(spent, &share.name),
        });
        processes.collect()
    }
}

impl ContenderReport {
    pub(super) fn of(
        contender: Contender,
        pages_read: u64,
        posts_seen: usize,
        phases: Vec<Phase>,
    ) -> Self {
        Self {
            contender,
            name: contender.name(),
            what: contender.what(),
            serving: contender.serving(),
            needs: contender.needs(),
            cannot: contender.cannot(),
            pages_read,
            posts_seen,
            phases,
        }
    }
}

impl Report {
    /// Each way in which answers were wrong or missing, in a sentence; and contenders with no answer that counted.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for report in &self.contenders {
            for phase in &report.phases {
                let of = format!("{}, {} connections", report.name, phase.connections);
                let reasons = phase.failures.iter();
                failures.extend(reasons.map(|(reason, count)| format!("{of}: {count} × {reason}")));
                if phase.requests == 0 {
                    failures.push(format!("{of}: no request counted"));
                }
            }
        }
        failures
    }
}
