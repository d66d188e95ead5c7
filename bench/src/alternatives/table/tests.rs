use std::collections::BTreeMap;

use chrono::DateTime;

use super::*;
use crate::alternatives::contenders::Contender;
use crate::alternatives::report::{Idle, Setting};
use crate::alternatives::summary::{Cpu, Goal};
use crate::report::Percentiles;

fn share(name: &str, mib: u64) -> Share {
    Share {
        name: name.to_owned(),
        cpu_seconds: Some(1.0),
        memory: Some(mib << 20),
        resident: Some(mib << 21),
    }
}

fn phase(connections: usize, serving: f64, others: &[(&'static str, u64)]) -> Phase {
    let net = [("nova", serving), ("redis", 21.25), ("postgres", -0.2)];
    let net = net.map(|(name, cost)| (name.to_owned(), Some(cost)));
    Phase {
        connections,
        seconds: 20.0,
        requests: 100_000,
        per_second: 5_000.0,
        latency: Some(Percentiles {
            count: 100_000,
            p50: 0.512,
            p95: 1.5,
            p99: 2.25,
            max: 9.0,
        }),
        others: others.iter().copied().collect(),
        failures: BTreeMap::new(),
        cpu: Cpu {
            serving: Some(serving + 10.0),
            serving_net: Some(serving),
            net: net.into(),
            total: Some(serving + 40.0),
            total_net: Some(serving + 21.25),
        },
        cores: Some(1.97),
        memory: vec![share("nova", 100), share("redis", 50), share(CLIENT, 20)],
    }
}

fn report() -> Report {
    let hit = vec![
        phase(1, 180.0, &[]),
        phase(16, 120.0, &[("stale", 3), ("miss", 1)]),
    ];
    let floor = vec![phase(16, 90.0, &[])];
    let goal = Goal::judge(hit.last(), floor.last());
    Report {
        at: DateTime::UNIX_EPOCH,
        setting: Setting {
            stack: "own".to_owned(),
            cores: 2,
            build: "release".to_owned(),
            users: 10_000,
            posts: 200_000,
            likes: 2_000_000,
            viewers: 500,
            passed_over: 31,
            seconds: 20,
            warm_up: 5,
            seed: 1,
            quiet: false,
        },
        idle: vec![Idle {
            name: "nova".to_owned(),
            cores: Some(0.0312),
        }],
        contenders: vec![
            ContenderReport::of(Contender::NovaHit, 1_000, 900, hit),
            ContenderReport::of(Contender::Floor, 1_000, 900, floor),
        ],
        goal,
        sql_setup: None,
        fan_out: None,
        fan_out_write: None,
    }
}

#[test]
fn a_report_is_readable() {
    insta::assert_snapshot!(render(&report()));
}

#[test]
fn what_was_wrong_is_told_by_contender() {
    let mut report = report();
    assert!(report.failures().is_empty());
    let phase = &mut report.contenders[0].phases[1];
    phase
        .failures
        .insert("19 posts instead of 20".to_owned(), 2);
    phase.requests = 0;
    let expected = [
        "nova hit, 16 connections: 2 × 19 posts instead of 20",
        "nova hit, 16 connections: no request counted",
    ];
    assert_eq!(report.failures(), expected);
}
