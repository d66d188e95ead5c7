//! The report of a run: a table on stdout, `report.json`, `report.html`.

mod html;
mod table;

use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::resources::Usage;
use crate::summary::{Summary, number};
use crate::thresholds::Judgement;

/// Everything a reader needs to judge the numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When the run ended.
    pub at: DateTime<Utc>,
    /// Whether every threshold held.
    pub passed: bool,
    /// Where it ran and with what.
    pub setting: Setting,
    /// What was measured.
    pub summary: Summary,
    /// The verdict.
    pub judgement: Judgement,
    /// What the servers used.
    pub usage: Vec<Usage>,
    /// Processor time of all servers for one feed read, in milliseconds, everything else they did included; none when
    /// not all of them could be watched.
    pub cpu_ms_per_read: Option<f64>,
}

/// Where a run took place and with what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// `own` or `running`: whose stack it was.
    pub stack: String,
    /// Cores of this machine, which the servers and the generator share when they are on it.
    pub cores: usize,
    /// Of the generator, `debug` or `release`; `just load` builds the servers of its own stack likewise, unless NOVA_BIN names others.
    pub build: String,
    /// Whether the generator gets a processor as soon as it is ready to run (real-time, where that is permitted). If not, a part of
    /// each latency is its own waiting.
    pub first: bool,
    /// Users there are.
    pub users: usize,
    /// Posts there were before.
    pub posts: u64,
    /// Likes there were before.
    pub likes: u64,
    /// Viewers online at a time.
    pub online: usize,
    /// Mean seconds between two visits of one of them.
    pub gap: f64,
    /// Mean visits of a session.
    pub visits: f64,
    /// Seconds before measuring.
    pub warm_up: f64,
    /// Of population, arrivals and behaviour.
    pub seed: u64,
}

/// What is no server of Nova's.
const GENERATOR: &str = "load generator";

impl Setting {
    /// How the generator was built and whether it had to wait for processors, in words.
    fn generator(&self) -> String {
        let turn = if self.first {
            "first in turn"
        } else {
            "in turn with the servers"
        };
        format!("generator built for {}, {turn}", self.build)
    }
}

impl Report {
    /// Puts it together.
    #[must_use]
    pub fn new(
        at: DateTime<Utc>,
        setting: Setting,
        summary: Summary,
        judgement: Judgement,
        usage: Vec<Usage>,
    ) -> Self {
        let reads = summary.feed.hits + summary.feed.stale + summary.feed.misses;
        Self {
            at,
            passed: judgement.passed(),
            cpu_ms_per_read: cpu_per_read(&usage, reads),
            setting,
            summary,
            judgement,
            usage,
        }
    }

    /// As a table.
    #[must_use]
    pub fn table(&self) -> String {
        table::render(self)
    }

    /// As a page that needs nothing else.
    #[must_use]
    pub fn html(&self) -> String {
        html::render(self)
    }

    /// Writes `report.json` and `report.html`.
    ///
    /// # Errors
    /// When the directory cannot be made or a file not be written; the error names it.
    pub fn save(&self, directory: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("creating {}", directory.display()))?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, text) in [("report.json", json), ("report.html", self.html())] {
            let path = directory.join(name);
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

fn cpu_per_read(usage: &[Usage], reads: u64) -> Option<f64> {
    let servers = usage.iter().filter(|usage| usage.name != GENERATOR);
    let seconds: Option<f64> = servers.map(|usage| usage.cpu_seconds).sum();
    seconds
        .filter(|_| reads > 0)
        .map(|seconds| seconds * 1_000.0 / number(reads))
}

/// A number that may not be there.
fn maybe(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
pub(crate) mod example {
    //! A run as it could have been.

    use std::time::Duration;

    use super::*;
    use crate::measurements::{CacheStatus, Flow, Measure, Recorder};
    use crate::schedule::Rates;
    use crate::thresholds::{Gate, judge};

    const RATES: Rates = Rates {
        reads: 200.0,
        likes: 20.0,
        posts: 2.0,
        suggested: 5.0,
        trending: 0.0,
    };

    /// Within the service levels; misses are slower than their goal, and there are more of them than it wants.
    pub(crate) fn summary() -> Summary {
        let recorder = Recorder::new(Duration::from_secs(10)).unwrap();
        let ms = Duration::from_millis;
        for (flow, count) in [
            (Flow::Reads, 2_000),
            (Flow::Likes, 200),
            (Flow::Posts, 20),
            (Flow::Suggested, 50),
        ] {
            recorder.planned(flow, count);
            for _ in 0..count {
                recorder.done(flow);
                recorder.request();
            }
        }
        for index in 0..2_000_u64 {
            let second = usize::try_from(index / 200).unwrap();
            let status = match index % 100 {
                0..92 => CacheStatus::Hit,
                92..95 => CacheStatus::Stale,
                _ => CacheStatus::Miss,
            };
            let took = match status {
                CacheStatus::Miss => 40 + index % 50,
                _ => 1 + index % 4,
            };
            recorder.read(status, second, ms(took + 1), ms(took));
            if status == CacheStatus::Miss {
                recorder.took(Measure::SourceFollow, ms(12), ms(12));
                recorder.took(Measure::SourceTrending, ms(8), ms(8));
                recorder.took(Measure::SourceAffinity, ms(9), ms(9));
            }
        }
        for index in 0..200 {
            recorder.took(Measure::Like, ms(4 + index % 9), ms(4 + index % 9));
            recorder.took(Measure::Suggested, ms(3 + index % 5), ms(3));
            recorder.took(Measure::LikeVisible, ms(90 + index), ms(90 + index));
        }
        for index in 0..20 {
            recorder.took(Measure::Post, ms(6 + index), ms(6 + index));
        }
        recorder.error("like", "status 503", 3);
        recorder.degraded("affinity");
        for us in 0..500 {
            recorder.lag(Duration::from_micros(300 + us * 4));
            recorder.waited(Duration::from_micros(20));
        }
        Summary::of(&recorder, &RATES, 10.0)
    }

    pub(crate) fn report(change: impl FnOnce(&mut Summary)) -> Report {
        let mut summary = summary();
        change(&mut summary);
        let judgement = judge(&summary, Gate::Levels);
        let usage = |name: &str, cpu: Option<f64>, memory: Option<f64>| Usage {
            name: name.to_owned(),
            cpu_seconds: cpu,
            cores: cpu.map(|cpu| cpu / 10.0),
            memory_mean: memory,
            memory_peak: memory.map(|memory| memory * 1.25),
        };
        let usage = vec![
            usage("postgres", Some(0.8), Some(40.0)),
            usage("clickhouse", Some(5.0), Some(300.0)),
            usage("nova", Some(4.2), Some(80.0)),
            usage("load generator", Some(2.0), Some(30.0)),
        ];
        let setting = Setting {
            stack: "own".to_owned(),
            cores: 2,
            build: "release".to_owned(),
            first: true,
            users: 2_000,
            posts: 8_000,
            likes: 60_000,
            online: 625,
            gap: 5.0,
            visits: 24.0,
            warm_up: 60.0,
            seed: 1,
        };
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Report::new(at, setting, summary, judgement, usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_passed_as_a_table() {
        insta::assert_snapshot!(example::report(|_| {}).table());
    }

    #[test]
    fn a_run_that_failed_names_what_did() {
        let report = example::report(|summary| {
            summary.feed.hit_rate = Some(0.81);
            summary.generator.lag_p99 = 250.0;
        });
        assert!(!report.passed);
        let table = report.table();
        let verdict = table.find("FAILED").unwrap();
        insta::assert_snapshot!(table[verdict..]);
    }

    #[test]
    fn a_run_as_json() {
        let mut report = example::report(|_| {});
        report.summary.timeline.truncate(2);
        insta::assert_json_snapshot!(report);
    }

    #[test]
    fn a_run_as_a_page() {
        let mut report = example::report(|summary| summary.feed.hit_rate = Some(0.81));
        report.summary.timeline.truncate(3);
        report.setting.build = "<script>".to_owned();
        let page = report.html();
        assert!(!page.contains("<script>"), "what is shown is escaped");
        insta::assert_snapshot!(page);
    }

    #[test]
    fn processor_time_of_a_read_is_that_of_the_servers() {
        let report = example::report(|_| {});
        // 10 s of servers, 2,000 reads.
        assert!((report.cpu_ms_per_read.unwrap() - 5.0).abs() < 1e-9);
        let mut usage = report.usage;
        usage[1].cpu_seconds = None;
        assert_eq!(cpu_per_read(&usage, 2_000), None);
    }

    #[test]
    fn both_files_are_written() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("new/load");
        example::report(|_| {}).save(&place).unwrap();
        let json = std::fs::read_to_string(place.join("report.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["passed"], true);
        let page = std::fs::read_to_string(place.join("report.html")).unwrap();
        assert!(page.starts_with("<!doctype html>"));
    }
}
