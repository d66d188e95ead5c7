//! What a stretch of time cost: each server, the whole machine, and the busiest threads.

use std::fs;

use anyhow::Context as _;
use nova_loadtest::resources::Watched;
use nova_loadtest::summary::number;
use serde::Serialize;

use super::{BusyThread, ThreadMeter};
use crate::process::Meter;

/// Threads that are named.
const NAMED: usize = 8;
const MIB: f64 = 1_048_576.0;

/// What was used over a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// Each server, and this program.
    pub processes: Vec<Cores>,
    /// Cores that were busy, whoever kept them so.
    pub machine: Option<f64>,
    /// Cores there are.
    pub cores: usize,
    /// The busiest threads, the first of them first.
    pub threads: Vec<BusyThread>,
}

/// One process with its children.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cores {
    /// As reports call it.
    pub name: String,
    /// Cores it used; none of one that was not there all the time.
    pub cores: Option<f64>,
    /// Memory of its own (anonymous pages) at the end, MiB.
    pub memory: Option<f64>,
}

/// Started before something is done, stopped after it.
#[derive(Debug)]
pub(crate) struct LoadMeter {
    processes: Meter,
    threads: ThreadMeter,
    machine: Option<Ticks>,
}

impl LoadMeter {
    pub(crate) async fn start(watched: Vec<Watched>) -> anyhow::Result<Self> {
        let named = watched.clone();
        let threads = tokio::task::spawn_blocking(move || ThreadMeter::start(named));
        Ok(Self {
            threads: threads.await.context("reading /proc")?,
            machine: machine(),
            processes: Meter::start(watched).await?,
        })
    }

    pub(crate) async fn stop(self) -> anyhow::Result<Load> {
        let spent = self.processes.stop().await?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let busy = self.machine.zip(machine());
        let threads = self.threads;
        let threads = tokio::task::spawn_blocking(move || threads.stop(NAMED));
        let seconds = spent.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        let process = |share: crate::process::Share| Cores {
            name: share.name,
            cores: share.cpu_seconds.map(|cpu| cpu / seconds),
            memory: share.memory.map(|bytes| number(bytes) / MIB),
        };
        Ok(Load {
            processes: spent.processes.into_iter().map(process).collect(),
            machine: busy.and_then(|(first, last)| last.busy_since(first, cores)),
            cores,
            threads: threads.await.context("reading /proc")?,
        })
    }
}

/// Time of all cores since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    idle: u64,
    all: u64,
}

impl Ticks {
    /// Cores that were busy on average.
    fn busy_since(self, first: Self, cores: usize) -> Option<f64> {
        let all = self.all.checked_sub(first.all).filter(|all| *all > 0)?;
        let idle = self.idle.checked_sub(first.idle)?;
        Some(number(all.saturating_sub(idle)) / number(all) * number(cores as u64))
    }
}

fn machine() -> Option<Ticks> {
    parse(&fs::read_to_string("/proc/stat").ok()?)
}

/// user nice system idle iowait irq softirq steal; guests are within user.
fn parse(stat: &str) -> Option<Ticks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields = line.split_whitespace().take(8);
    let fields: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(Ticks {
        idle: fields.get(3)? + fields.get(4)?,
        all: fields.iter().sum(),
    })
}

impl Load {
    /// The server that used most, and its cores.
    #[must_use]
    pub fn busiest(&self) -> Option<(&str, f64)> {
        let used = self.processes.iter();
        let used = used.filter_map(|process| Some((process.name.as_str(), process.cores?)));
        used.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Whether the machine had next to nothing left (less than 5 %).
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.machine
            .is_some_and(|busy| busy > 0.95 * number(self.cores as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_busy_as_far_as_it_is_not_idle() {
        let first = parse("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2\n").unwrap();
        let last = parse("cpu  250 0 150 800 100 0 0 0 50 0\n").unwrap();
        // 200 of 300 ticks.
        assert_eq!(last.busy_since(first, 3), Some(2.0));
        assert_eq!(first.busy_since(first, 3), None);
        assert_eq!(parse("intr 1"), None);
    }

    #[test]
    fn the_busiest_server_is_named() {
        let used = |name: &str, cores| Cores {
            name: name.to_owned(),
            cores,
            memory: None,
        };
        let load = Load {
            processes: vec![
                used("postgres", Some(0.2)),
                used("connect", Some(0.9)),
                used("gone", None),
            ],
            machine: Some(1.95),
            cores: 2,
            threads: Vec::new(),
        };
        assert_eq!(load.busiest(), Some(("connect", 0.9)));
        assert!(load.is_full());
    }
}
