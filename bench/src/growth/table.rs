//! The report as tables on stdout.

use nova_loadtest::summary::number;

use super::followees::FolloweesPoint;
use super::lag::{Hop, LagReport, LagStep};
use super::memory::{KindRow, MemoryPoint, MemoryReport};
use super::misses::Misses;
use super::population::PopulationPoint;
use super::report::Report;
use crate::pipeline::load::Load;
use crate::report::{shown, table};

const MIB: f64 = 1_048_576.0;

/// All of it.
pub(super) fn render(report: &Report) -> String {
    let setting = &report.setting;
    let mut parts = vec![format!(
        "{} users, {} posts, {} likes; {} cores, {} build; clients and servers share the machine",
        setting.users, setting.posts, setting.likes, setting.cores, setting.build
    )];
    parts.extend(report.memory.as_ref().map(memory));
    if !report.followees.is_empty() {
        parts.push(followees(&report.followees));
    }
    if !report.population.is_empty() {
        parts.push(population(&report.population));
    }
    parts.extend(report.lag.as_ref().map(lag));
    parts.join("\n\n")
}

fn memory(report: &MemoryReport) -> String {
    let row = |point: &MemoryPoint| {
        [
            point.users.to_string(),
            point.keys.to_string(),
            shown(Some(number(point.used_bytes) / MIB), 1),
            shown(Some(point.measured_bytes / MIB), 1),
            shown(Some(point.calculated_bytes / MIB), 1),
            shown(point.measured_per_user, 0),
            shown(point.calculated_per_user, 0),
            shown(point.ratio, 2),
        ]
    };
    let rows: Vec<_> = report.points.iter().map(row).collect();
    let head = [
        "users read",
        "keys",
        "used MiB",
        "more MiB",
        "calculated",
        "bytes a further user",
        "calculated",
        "ratio",
    ];
    format!(
        "Memory of Redis\n{}\n{}\nA post takes {} bytes, calculated {}",
        table(head, &rows),
        kinds(&report.kinds),
        shown(report.measured_per_post, 0),
        shown(report.calculated_per_post, 0)
    )
}

fn kinds(kinds: &[KindRow]) -> String {
    let row = |row: &KindRow| {
        [
            row.kind.name().to_owned(),
            row.keys.to_string(),
            row.sampled.to_string(),
            shown(Some(row.measured_bytes), 0),
            shown(Some(row.calculated_bytes), 0),
            shown(row.ratio, 2),
        ]
    };
    let rows: Vec<_> = kinds.iter().map(row).collect();
    let head = ["", "keys", "looked at", "bytes", "calculated", "ratio"];
    table(head, &rows)
}

fn followees(points: &[FolloweesPoint]) -> String {
    let row = |point: &FolloweesPoint| {
        let misses = &point.misses;
        let [requests, p50, p95, others, cpu, net] = cells(misses);
        [
            point.bucket.to_owned(),
            misses.viewers.to_string(),
            shown(Some(misses.followees), 0),
            shown(Some(misses.candidates), 0),
            requests,
            p50,
            p95,
            others,
            cpu,
            net,
        ]
    };
    let rows: Vec<_> = points.iter().map(row).collect();
    let head = [
        "followees, about",
        "viewers",
        "followees",
        "candidates",
        "misses",
        "p50 ms",
        "p95 ms",
        "others",
        "processor ms",
        "less idling",
    ];
    format!("A miss by whom one follows\n{}", table(head, &rows))
}

fn population(points: &[PopulationPoint]) -> String {
    let row = |point: &PopulationPoint| {
        let [requests, p50, p95, others, cpu, net] = cells(&point.misses);
        [
            point.size.clone(),
            point.posts.to_string(),
            point.likes.to_string(),
            point.follows.to_string(),
            shown(Some(point.misses.candidates), 0),
            requests,
            p50,
            p95,
            others,
            cpu,
            net,
        ]
    };
    let rows: Vec<_> = points.iter().map(row).collect();
    let head = [
        "size",
        "posts",
        "likes",
        "follows",
        "candidates",
        "misses",
        "p50 ms",
        "p95 ms",
        "others",
        "processor ms",
        "less idling",
    ];
    format!(
        "A miss by how much there is, of viewers who follow about a hundred\n{}",
        table(head, &rows)
    )
}

fn cells(misses: &Misses) -> [String; 6] {
    let latency = misses.latency;
    [
        latency.map_or(0, |row| row.count).to_string(),
        shown(latency.map(|row| row.p50), 1),
        shown(latency.map(|row| row.p95), 1),
        misses.others.values().sum::<u64>().to_string(),
        shown(misses.cpu_ms, 1),
        shown(misses.cpu_net_ms, 1),
    ]
}

fn lag(report: &LagReport) -> String {
    let row = |step: &LagStep| {
        let waiting = |hop| shown(step.waiting(hop), 0);
        let [postgres, connect, clickhouse, projector] = Hop::ALL.map(waiting);
        [
            shown(Some(step.offered), 0),
            shown(Some(step.achieved), 0),
            shown(step.lag.map(|row| row.p50), 0),
            shown(step.lag.map(|row| row.p95), 0),
            shown(step.lag.map(|row| row.max), 0),
            step.lost.to_string(),
            postgres,
            connect,
            clickhouse,
            projector,
            busiest(&step.load),
        ]
    };
    let rows: Vec<_> = report.steps.iter().map(row).collect();
    let head = [
        "likes/s due",
        "written",
        "lag p50 ms",
        "p95",
        "max",
        "lost",
        "waiting before PostgreSQL",
        "Kafka",
        "ClickHouse",
        "Redis",
        "busiest, cores",
    ];
    format!(
        "A like until its counter is in Redis\n{}\n{}",
        table(head, &rows),
        end(report)
    )
}

fn busiest(load: &Load) -> String {
    let process = load.busiest();
    let process = process.map(|(name, cores)| format!("{name} {cores:.2}"));
    let thread = load.threads.first();
    let thread =
        thread.map(|busy| format!("{} of {} {:.2}", busy.thread, busy.process, busy.cores));
    let all = load.machine.map(|cores| format!("all {cores:.2}"));
    let told: Vec<String> = [process, thread, all].into_iter().flatten().collect();
    told.join(", ")
}

fn end(report: &LagReport) -> String {
    let Some(last) = report.steps.last() else {
        return "Nothing was measured".to_owned();
    };
    match &last.saturation {
        Some(found) => format!(
            "At {:.0} likes/s this does not keep up: {}",
            last.offered,
            found.told()
        ),
        None => format!("Everything keeps up with {:.0} likes/s", last.offered),
    }
}

#[cfg(test)]
mod tests;
