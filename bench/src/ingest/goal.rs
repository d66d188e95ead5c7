//! Goals, and what stands in the way of one that is missed.

use serde::Serialize;

use crate::pipeline::course::Hops;
use crate::pipeline::load::Load;

/// Rows a second from PostgreSQL to ClickHouse.
pub(super) const ROWS: f64 = 25_000.0;
/// Events a second through the API to ClickHouse.
pub(super) const EVENTS: f64 = 20_000.0;
/// The service level of a feed from cache while a backlog is worked off, p95 in ms.
pub(super) const HIT: f64 = 150.0;
/// The same of a feed that is ranked.
pub(super) const MISS: f64 = 800.0;

/// A goal and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Goal {
    /// What is measured.
    pub what: &'static str,
    /// Measured.
    pub measured: f64,
    /// At least, or for latencies at most.
    pub goal: f64,
    /// Whether it holds.
    pub held: bool,
}

impl Goal {
    pub(super) fn at_least(what: &'static str, measured: f64, goal: f64) -> Self {
        Self {
            what,
            measured,
            goal,
            held: measured >= goal,
        }
    }

    pub(super) fn at_most(what: &'static str, measured: f64, goal: f64) -> Self {
        Self {
            what,
            measured,
            goal,
            held: measured <= goal,
        }
    }
}

/// The part of the stream that the rest waits for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bottleneck {
    /// Between which servers.
    pub hop: &'static str,
    /// Why that one, in words.
    pub because: String,
}

/// The names of the hops: the first gives rows to the stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) given: &'static str,
    pub(super) kafka: &'static str,
    pub(super) clickhouse: &'static str,
}

/// A writer that waited for less than this of its time was what the rest waited for.
const BUSY_WRITER: f64 = 0.05;

/// Names it: the writer when it hardly ever waited, else the hop that most rows wait in front of.
pub(super) fn bottleneck(names: Names, hops: &Hops, waited: f64, load: &Load) -> Bottleneck {
    let (hop, rows) = if waited < BUSY_WRITER {
        (names.given, None)
    } else if hops.before_kafka > hops.before_clickhouse {
        (names.kafka, Some(hops.before_kafka))
    } else {
        (names.clickhouse, Some(hops.before_clickhouse))
    };
    let mut because = match rows {
        Some(rows) => format!("{rows:.0} rows wait in front of it on average"),
        None => format!("whoever writes waited {:.0} % of the time", waited * 100.0),
    };
    if let Some(thread) = load.threads.first() {
        because.push_str(&format!(
            "; the busiest thread is {} of {}, {:.2} cores",
            thread.thread, thread.process, thread.cores
        ));
    }
    if let Some(busy) = load.machine {
        let end = if load.is_full() {
            ": the machine is at its end, whatever is given to one hop is taken from another"
        } else {
            ""
        };
        because.push_str(&format!(
            "; {busy:.2} of {} cores are busy{end}",
            load.cores
        ));
    }
    Bottleneck { hop, because }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::BusyThread;

    const NAMES: Names = Names {
        given: "writer",
        kafka: "connect",
        clickhouse: "consumer",
    };

    fn hops(before_kafka: f64, before_clickhouse: f64) -> Hops {
        Hops {
            seconds: 60.0,
            given_per_second: 1.0,
            kafka_per_second: 1.0,
            clickhouse_per_second: 1.0,
            before_kafka,
            before_clickhouse,
            slowest_second: 1.0,
        }
    }

    fn load(machine: f64) -> Load {
        Load {
            processes: Vec::new(),
            machine: Some(machine),
            cores: 2,
            threads: vec![BusyThread {
                process: "connect".to_owned(),
                thread: "task".to_owned(),
                cores: 0.97,
            }],
        }
    }

    #[test]
    fn most_rows_wait_in_front_of_it() {
        let found = |hops, waited| bottleneck(NAMES, &hops, waited, &load(1.2)).hop;
        assert_eq!(found(hops(900.0, 100.0), 0.5), "connect");
        assert_eq!(found(hops(100.0, 900.0), 0.5), "consumer");
        assert_eq!(found(hops(100.0, 900.0), 0.01), "writer");
    }

    #[test]
    fn the_reason_is_in_words() {
        let found = bottleneck(NAMES, &hops(900.0, 1.0), 0.5, &load(1.98));
        insta::assert_snapshot!(found.because, @"900 rows wait in front of it on average; the busiest thread is task of connect, 0.97 cores; 1.98 of 2 cores are busy: the machine is at its end, whatever is given to one hop is taken from another");
    }

    #[test]
    fn goals_are_judged() {
        assert!(Goal::at_least("rows", 25_000.0, ROWS).held);
        assert!(!Goal::at_least("rows", 24_999.0, ROWS).held);
        assert!(Goal::at_most("ms", 150.0, 150.0).held);
        assert!(!Goal::at_most("ms", f64::NAN, 150.0).held);
    }
}
