//! From what was measured to numbers: processor time for each request, memory, the verdict.

use std::collections::BTreeMap;

use nova_loadtest::summary::number;
use serde::Serialize;

use super::contenders::Contender;
use super::race::Measured;
use crate::process::{CLIENT, Share, Spent};
use crate::report::Percentiles;

/// The goal: processor time of Nova for a hit, in that of the floor.
pub(super) const GOAL: f64 = 1.5;

/// One contender at one number of connections.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// Requests under way at a time.
    pub connections: usize,
    /// Seconds it was measured for.
    pub seconds: f64,
    /// Requests that counted.
    pub requests: u64,
    /// Requests a second that counted.
    pub per_second: f64,
    /// Milliseconds from sending to the last byte.
    pub latency: Option<Percentiles>,
    /// Answers that did not count, by kind: their processor time is in the numbers all the same.
    pub others: BTreeMap<&'static str, u64>,
    /// Requests that failed and answers that were wrong, by reason; those of the warm-up included.
    pub failures: BTreeMap<String, u64>,
    /// Processor time for each request.
    pub cpu: Cpu,
    /// Cores that all processes used together, the client's included.
    pub cores: Option<f64>,
    /// Memory at the end.
    pub memory: Vec<Share>,
}

/// Processor time for each request, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cpu {
    /// Of the process that answers.
    pub serving: Option<f64>,
    /// Likewise, without what it uses when nothing is asked.
    pub serving_net: Option<f64>,
    /// Of every process by itself, without what it uses when nothing is asked; of those idle at the time this is noise
    /// about 0.
    pub net: BTreeMap<String, Option<f64>>,
    /// Of all of them together but the client, with what they use when nothing is asked.
    pub total: Option<f64>,
    /// Of all of them together but the client, without that.
    pub total_net: Option<f64>,
}

impl Phase {
    pub(super) fn of(
        contender: Contender,
        connections: usize,
        measured: Measured,
        idle: &Spent,
    ) -> Self {
        let Measured { run, spent } = measured;
        let cpu = Cpu::of(contender, &spent, idle, run.all());
        let all: Option<f64> = spent.cpu_seconds_without(&[]);
        Self {
            connections,
            seconds: run.elapsed.as_secs_f64(),
            requests: run.count(),
            per_second: run.per_second(),
            latency: Percentiles::of(&run.latency),
            others: run.others,
            failures: run.failures,
            cpu,
            cores: all.map(|seconds| seconds / spent.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)),
            memory: spent.processes,
        }
    }
}

impl Cpu {
    fn of(contender: Contender, spent: &Spent, idle: &Spent, requests: u64) -> Self {
        let each = |seconds: f64| seconds * 1e6 / number(requests.max(1));
        let net = |share: &Share| {
            let background = cores(idle, &share.name)? * spent.elapsed.as_secs_f64();
            Some(each(share.cpu_seconds? - background))
        };
        let servers = || spent.processes.iter().filter(|share| share.name != CLIENT);
        let serving = spent.of(contender.serving());
        Self {
            serving: serving.and_then(|share| share.cpu_seconds).map(each),
            serving_net: serving.and_then(net),
            net: spent
                .processes
                .iter()
                .map(|share| (share.name.clone(), net(share)))
                .collect(),
            total: spent.cpu_seconds_without(&[CLIENT]).map(each),
            total_net: servers().map(net).sum(),
        }
    }
}

/// Cores that a process used.
pub(super) fn cores(spent: &Spent, name: &str) -> Option<f64> {
    let seconds = spent.of(name)?.cpu_seconds?;
    Some(seconds / spent.elapsed.as_secs_f64().max(f64::MIN_POSITIVE))
}

/// Whether a hit costs at most [`GOAL`] times its floor, at saturation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Goal {
    /// Processor time of Nova's process for a hit, without what it uses when nothing is asked: it is the projector and
    /// the jobs too. Microseconds.
    pub hit: f64,
    /// Of the floor's process, likewise.
    pub floor: f64,
    /// The first in the second.
    pub ratio: f64,
    /// The same with what the processes use when nothing is asked.
    pub ratio_raw: Option<f64>,
    /// At most this.
    pub goal: f64,
    /// Whether it is.
    pub held: bool,
}

impl Goal {
    /// Of the last phase of each, the one at saturation; none when one of them was not measured.
    #[must_use]
    pub fn judge(hit: Option<&Phase>, floor: Option<&Phase>) -> Option<Self> {
        let (hit, floor) = (&hit?.cpu, &floor?.cpu);
        let ratio = |hit: f64, floor: f64| (floor > 0.0).then(|| hit / floor);
        let net = ratio(hit.serving_net?, floor.serving_net?)?;
        Some(Self {
            hit: hit.serving_net?,
            floor: floor.serving_net?,
            ratio: net,
            ratio_raw: hit
                .serving
                .zip(floor.serving)
                .and_then(|(hit, floor)| ratio(hit, floor)),
            goal: GOAL,
            held: net <= GOAL,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::alternatives::contenders::{NOVA, REDIS, SERVER};
    use crate::measure::Run;

    fn spent(seconds: u64, cpu: [(&str, f64); 3]) -> Spent {
        let share = |(name, cpu): (&str, f64)| Share {
            name: name.to_owned(),
            cpu_seconds: Some(cpu),
            memory: Some(1 << 20),
            resident: Some(2 << 20),
        };
        Spent {
            elapsed: Duration::from_secs(seconds),
            processes: cpu.map(share).into(),
        }
    }

    fn phase(contender: Contender, serving: &str, cpu: f64) -> Phase {
        let mut run = Run::new().unwrap();
        run.elapsed = Duration::from_secs(10);
        for _ in 0..9_000 {
            run.counted(Duration::from_millis(1));
        }
        for _ in 0..1_000 {
            run.other("miss");
        }
        let idle = spent(20, [(serving, 2.0), (REDIS, 0.2), (CLIENT, 0.0)]);
        let spent = spent(10, [(serving, cpu), (REDIS, 1.1), (CLIENT, 5.0)]);
        Phase::of(contender, 16, Measured { run, spent }, &idle)
    }

    #[test]
    fn processor_time_is_shared_out_among_all_requests_and_idling_taken_off() {
        let hit = phase(Contender::NovaHit, NOVA, 3.0);
        let near = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-6;
        assert_eq!((hit.requests, hit.per_second), (9_000, 900.0));
        // 3 s for 10,000 requests; 0.1 cores of it it uses anyway.
        assert!(
            near(hit.cpu.serving, 300.0) && near(hit.cpu.serving_net, 200.0),
            "{:?}",
            hit.cpu
        );
        assert!(near(hit.cpu.net[REDIS], 100.0));
        assert!(near(hit.cpu.total, 410.0) && near(hit.cpu.total_net, 300.0));
        assert!(near(hit.cores, 0.91));
    }

    #[test]
    fn the_goal_is_a_ratio_of_what_serving_costs() {
        let hit = phase(Contender::NovaHit, NOVA, 3.0);
        let judged = |floor: f64| {
            let floor = phase(Contender::Floor, SERVER, floor);
            Goal::judge(Some(&hit), Some(&floor)).unwrap()
        };
        let (missed, held) = (judged(2.0), judged(3.0));
        assert!((missed.ratio - 2.0).abs() < 1e-9 && !missed.held);
        assert!((missed.ratio_raw.unwrap() - 1.5).abs() < 1e-9);
        assert!((held.ratio - 1.0).abs() < 1e-9 && held.held);
        assert_eq!(Goal::judge(Some(&hit), None), None);
    }
}
