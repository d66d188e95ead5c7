//! What is at its end, by rule.

use serde::Serialize;

use super::hop::{Backlog, Hop};
use crate::pipeline::load::Load;

/// Cores from which on a thread, or a process, has no core to spare.
const BUSY: f64 = 0.9;

/// A hop that does not keep up, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saturation {
    /// The first hop whose backlog keeps growing: those behind it wait for it.
    pub hop: Hop,
    /// Whether the machine had next to nothing left: whatever is given to one process is taken from another.
    pub machine: bool,
    /// Threads that used at least 0.9 cores, as `THREAD of PROCESS`.
    pub threads: Vec<String>,
    /// Processes that did, with all of their threads.
    pub processes: Vec<String>,
}

impl Saturation {
    /// At a rate of so many likes a second; none while no backlog keeps growing.
    pub(in crate::growth) fn judge(backlogs: &[Backlog], rate: f64, load: &Load) -> Option<Self> {
        let hops = Hop::ALL.into_iter();
        let mut growing = hops.filter(|hop| {
            let mut of_hop = backlogs.iter().filter(|backlog| backlog.hop == *hop);
            of_hop.any(|backlog| backlog.keeps_growing(rate))
        });
        let hop = growing.next()?;
        let threads = load.threads.iter().filter(|busy| busy.cores >= BUSY);
        let processes = load.processes.iter();
        let processes = processes.filter(|process| process.cores >= Some(BUSY));
        Some(Self {
            hop,
            machine: load.is_full(),
            threads: threads
                .map(|busy| format!("{} of {}", busy.thread, busy.process))
                .collect(),
            processes: processes.map(|process| process.name.clone()).collect(),
        })
    }

    /// In words.
    pub(in crate::growth) fn told(&self) -> String {
        let mut because = Vec::new();
        if self.machine {
            because.push("the whole machine is at its end".to_owned());
        }
        for (what, names) in [("threads", &self.threads), ("processes", &self.processes)] {
            if !names.is_empty() {
                because.push(format!(
                    "{what} with 0.9 cores or more: {}",
                    names.join(", ")
                ));
            }
        }
        if because.is_empty() {
            because.push(
                "it waits: no thread, no process and not the machine is at its end".to_owned(),
            );
        }
        format!("{}: {}", self.hop.name(), because.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::BusyThread;
    use crate::pipeline::load::Cores;

    fn load(machine: f64, thread: f64) -> Load {
        let process = |name: &str, cores| Cores {
            name: name.to_owned(),
            cores: Some(cores),
            memory: None,
        };
        Load {
            processes: vec![process("postgres", 0.3), process("connect", 0.95)],
            machine: Some(machine),
            cores: 2,
            threads: vec![BusyThread {
                process: "connect".to_owned(),
                thread: "task".to_owned(),
                cores: thread,
            }],
        }
    }

    fn backlogs(growth: [f64; 4]) -> Vec<Backlog> {
        let backlog = |(hop, growth)| Backlog {
            hop,
            middle: 10_000.0,
            end: 20_000.0,
            growth,
        };
        Hop::ALL.into_iter().zip(growth).map(backlog).collect()
    }

    #[test]
    fn the_first_that_does_not_keep_up_is_named() {
        let judged = |growth| {
            let found = Saturation::judge(&backlogs(growth), 10_000.0, &load(1.2, 0.9));
            found.map(|found| found.hop)
        };
        assert_eq!(judged([0.0, 900.0, 0.0, -500.0]), None);
        assert_eq!(judged([0.0, 0.0, 1_000.0, 5_000.0]), Some(Hop::ClickHouse));
        assert_eq!(judged([0.0, 0.0, 0.0, 1_000.0]), Some(Hop::Projector));
        assert_eq!(judged([2_000.0, 0.0, 1_000.0, 0.0]), Some(Hop::Postgres));
    }

    #[test]
    fn the_reason_is_in_words() {
        let told = |load: &Load| {
            let growing = backlogs([0.0, 5_000.0, 0.0, 0.0]);
            Saturation::judge(&growing, 10_000.0, load).unwrap().told()
        };
        insta::assert_snapshot!(told(&load(1.98, 0.97)), @"PostgreSQL to Kafka: the whole machine is at its end; threads with 0.9 cores or more: task of connect; processes with 0.9 cores or more: connect");
        insta::assert_snapshot!(told(&load(1.2, 0.5)), @"PostgreSQL to Kafka: processes with 0.9 cores or more: connect");
        let idle = Load {
            processes: Vec::new(),
            ..load(1.2, 0.5)
        };
        insta::assert_snapshot!(told(&idle), @"PostgreSQL to Kafka: it waits: no thread, no process and not the machine is at its end");
    }
}
