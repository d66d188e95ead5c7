use std::collections::BTreeMap;

use chrono::DateTime;

use super::*;
use crate::growth::lag::{Backlog, Saturation};
use crate::growth::memory::Kind;
use crate::growth::options::Part;
use crate::pipeline::BusyThread;
use crate::pipeline::load::Cores;
use crate::report::Percentiles;
use crate::setting::Setting;

fn latency(p50: f64) -> Option<Percentiles> {
    Some(Percentiles {
        count: 120,
        p50,
        p95: 2.0 * p50,
        p99: 3.0 * p50,
        max: 4.0 * p50,
    })
}

fn misses(followees: f64, p50: f64) -> Misses {
    Misses {
        viewers: 40,
        followees,
        candidates: 312.5,
        latency: latency(p50),
        cpu_ms: Some(55.25),
        cpu_net_ms: Some(48.5),
        others: BTreeMap::from([("degraded", 2)]),
        failures: BTreeMap::new(),
    }
}

fn memory() -> MemoryReport {
    let beginning = MemoryPoint {
        users: 0,
        keys: 200_100,
        used_bytes: 90 << 20,
        measured_bytes: 0.0,
        calculated_bytes: 0.0,
        measured_per_user: None,
        calculated_per_user: None,
        ratio: None,
    };
    let read = MemoryPoint {
        users: 250,
        keys: 201_000,
        used_bytes: 100 << 20,
        measured_bytes: 10.0 * MIB,
        calculated_bytes: 9.5 * MIB,
        measured_per_user: Some(41_943.04),
        calculated_per_user: Some(39_845.9),
        ratio: Some(1.053),
    };
    MemoryReport {
        points: vec![beginning, read],
        kinds: vec![KindRow {
            kind: Kind::Counters,
            keys: 200_000,
            sampled: 200,
            measured_bytes: 336.0,
            calculated_bytes: 320.0,
            ratio: Some(1.05),
        }],
        measured_per_post: Some(336.0),
        calculated_per_post: Some(320.0),
        evicted: 0,
    }
}

fn step(offered: f64, growth: f64) -> LagStep {
    let load = Load {
        processes: vec![Cores {
            name: "connect".to_owned(),
            cores: Some(0.97),
            memory: Some(300.0),
        }],
        machine: Some(1.5),
        cores: 2,
        threads: vec![BusyThread {
            process: "connect".to_owned(),
            thread: "task".to_owned(),
            cores: 0.93,
        }],
    };
    let backlog = |hop| Backlog {
        hop,
        middle: 0.0,
        end: if hop == Hop::Connect {
            2.0 * growth
        } else {
            5.0
        },
        growth: if hop == Hop::Connect { growth } else { 0.0 },
    };
    let backlogs: Vec<Backlog> = Hop::ALL.map(backlog).into();
    LagStep {
        offered,
        achieved: offered,
        batch: 500,
        lag: latency(210.0),
        lost: 0,
        saturation: Saturation::judge(&backlogs, offered, &load),
        backlogs,
        load,
        drained: true,
        course: Vec::new(),
    }
}

fn report() -> Report {
    let population = |size: &str, times: u64| PopulationPoint {
        size: size.to_owned(),
        users: 10_000,
        posts: 20_000 * times,
        likes: 200_000 * times,
        follows: 100_000 * times,
        misses: misses(101.0, 22.0),
    };
    Report {
        at: DateTime::UNIX_EPOCH,
        setting: Setting {
            stack: "own",
            cores: 2,
            build: "release",
            users: 10_000,
            posts: 200_000,
            likes: 2_000_000,
            seed: 1,
        },
        curves: Part::ALL.into(),
        memory: Some(memory()),
        followees: vec![FolloweesPoint {
            bucket: "30",
            misses: misses(30.2, 18.25),
        }],
        population: vec![population("S/10", 1), population("S", 10)],
        lag: Some(LagReport {
            steps: vec![step(3_000.0, 20.0), step(10_000.0, 6_000.0)],
        }),
    }
}

#[test]
fn a_report_is_readable() {
    insta::assert_snapshot!(render(&report()));
}

#[test]
fn what_was_wrong_is_told_by_curve() {
    let mut report = report();
    assert_eq!(report.failures(), [""; 0]);
    report.followees[0].misses.latency = None;
    let failures = &mut report.population[1].misses.failures;
    failures.insert("status 500".to_owned(), 3);
    let lag = report.lag.as_mut().unwrap();
    // Of the second step they are late because it does not keep up.
    lag.steps.iter_mut().for_each(|step| step.lost = 1);
    let memory = report.memory.as_mut().unwrap();
    memory.evicted = 7;
    let expected = [
        "memory: 7 keys were dropped for lack of memory",
        "followees, 30: no miss counted",
        "population, S: 3 × status 500",
        "lag, 3000 likes/s: 1 single likes never arrived",
    ];
    assert_eq!(report.failures(), expected);
}

#[test]
fn every_curve_has_a_file_with_its_head() {
    let directory = std::env::temp_dir().join(format!("nova-growth-{}", std::process::id()));
    report().save(&directory).unwrap();
    let heads = ["memory", "memory-kinds", "followees", "population", "lag"].map(|name| {
        let csv = std::fs::read_to_string(directory.join(format!("{name}.csv"))).unwrap();
        format!("{name}: {}", csv.lines().next().unwrap())
    });
    std::fs::remove_dir_all(&directory).unwrap();
    insta::assert_snapshot!(heads.join("\n"));
}
