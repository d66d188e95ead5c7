//! The report as tables on stdout.

use super::contenders::SERVER;
use super::report::{ContenderReport, Report};
use super::summary::Phase;
use crate::process::{CLIENT, Share};
use crate::report::{shown, table};

const MIB: f64 = 1_048_576.0;
/// Processes with a column of their own, as they are named and shown.
const COLUMNS: [&str; 7] = [
    "nova",
    SERVER,
    "redis",
    "postgres",
    "clickhouse",
    "kafka",
    "connect",
];

/// All of it.
pub(super) fn render(report: &Report) -> String {
    let setting = &report.setting;
    let parts = [
        format!(
            "{} users, {} posts, {} likes; {} viewers ({} drawn and passed over: less than a page of those they follow); \
             {} cores, {} build; {} s each after {} s of warm-up, closed loop; clients and servers share the machine",
            setting.users,
            setting.posts,
            setting.likes,
            setting.viewers,
            setting.passed_over,
            setting.cores,
            setting.build,
            setting.seconds,
            setting.warm_up
        ),
        latencies(report),
        format!(
            "Processor time of a request at saturation, µs; what processes use when nothing is asked is taken off, but in \
             the first column\n{}",
            cpu(report)
        ),
        format!("Idle, cores: {}", idle(report)),
        format!(
            "Memory at the end of each at saturation, MiB: own (anonymous pages) / resident; `needs` is the sum over what a \
             contender cannot do without\n{}",
            memory(report)
        ),
        extras(report),
        cannot(report),
        goal(report),
    ];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n\n")
}

fn latencies(report: &Report) -> String {
    let mut rows = Vec::new();
    for contender in &report.contenders {
        let last = contender.phases.len().saturating_sub(1);
        for (place, phase) in contender.phases.iter().enumerate() {
            rows.push(latency(contender.name, phase, place == last));
        }
    }
    let head = [
        "",
        "connections",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "requests/s",
        "counted",
        "others",
        "cores",
    ];
    table(head, &rows)
}

fn latency(name: &str, phase: &Phase, saturated: bool) -> [String; 9] {
    let of =
        |part: fn(&crate::report::Percentiles) -> f64| shown(phase.latency.as_ref().map(part), 2);
    let others = phase
        .others
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"));
    let others: Vec<String> = others.collect();
    [
        name.to_owned(),
        format!(
            "{}{}",
            phase.connections,
            if saturated { ", saturated" } else { "" }
        ),
        of(|row| row.p50),
        of(|row| row.p95),
        of(|row| row.p99),
        shown(Some(phase.per_second), 0),
        phase.requests.to_string(),
        if others.is_empty() {
            "0".to_owned()
        } else {
            others.join(", ")
        },
        shown(phase.cores, 2),
    ]
}

fn cpu(report: &Report) -> String {
    let row = |(contender, phase): (&ContenderReport, &Phase)| {
        let of = |name: &str| {
            let cost = phase.cpu.net.get(name).copied().flatten();
            // Of one that had nothing to do it is noise about 0.
            shown(cost.map(|cost| if cost < 0.5 { 0.0 } else { cost }), 0)
        };
        [
            contender.name.to_owned(),
            shown(phase.cpu.serving, 0),
            shown(phase.cpu.serving_net, 0),
            of("redis"),
            of("postgres"),
            of("clickhouse"),
            of("kafka"),
            of("connect"),
            shown(phase.cpu.total_net, 0),
            of(CLIENT),
        ]
    };
    let rows: Vec<_> = saturated(report).map(row).collect();
    let head = [
        "",
        "serving, all",
        "serving",
        "redis",
        "postgres",
        "clickhouse",
        "kafka",
        "connect",
        "all servers",
        "client",
    ];
    table(head, &rows)
}

fn memory(report: &Report) -> String {
    let row = |(contender, phase): (&ContenderReport, &Phase)| {
        let of = |name: &str| {
            let share = phase.memory.iter().find(|share| share.name == name);
            share.map_or_else(
                || "–".to_owned(),
                |share| pair(share.memory, share.resident),
            )
        };
        let needed = phase.memory.iter();
        let needed = needed.filter(|share| contender.needs.contains(&share.name.as_str()));
        let servers = phase.memory.iter().filter(|share| share.name != CLIENT);
        let [a, b, c, d, e, f, g] = COLUMNS.map(of);
        [
            contender.name.to_owned(),
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            sum(needed),
            sum(servers),
        ]
    };
    let rows: Vec<_> = saturated(report).map(row).collect();
    let [a, b, c, d, e, f, g] = COLUMNS;
    table(["", a, b, c, d, e, f, g, "needs", "all"], &rows)
}

fn saturated(report: &Report) -> impl Iterator<Item = (&ContenderReport, &Phase)> {
    let contenders = report.contenders.iter();
    contenders.filter_map(|contender| Some((contender, contender.phases.last()?)))
}

fn sum<'a>(shares: impl Iterator<Item = &'a Share> + Clone) -> String {
    let own: Option<u64> = shares.clone().map(|share| share.memory).sum();
    let resident: Option<u64> = shares.map(|share| share.resident).sum();
    pair(own, resident)
}

fn pair(own: Option<u64>, resident: Option<u64>) -> String {
    let mib = |bytes: Option<u64>| {
        shown(
            bytes.map(|bytes| nova_loadtest::summary::number(bytes) / MIB),
            0,
        )
    };
    format!("{} / {}", mib(own), mib(resident))
}

fn idle(report: &Report) -> String {
    let of =
        |process: &super::report::Idle| format!("{} {}", process.name, shown(process.cores, 3));
    let processes: Vec<String> = report.idle.iter().map(of).collect();
    let quiet = if report.setting.quiet {
        ""
    } else {
        " (the servers were still busy with the data)"
    };
    processes.join(", ") + quiet
}

fn extras(report: &Report) -> String {
    let mut lines = Vec::new();
    let mib = |bytes: f64| bytes / MIB;
    if let Some(sql) = &report.sql_setup {
        let bytes = nova_loadtest::summary::number(sql.bytes.unsigned_abs());
        lines.push(format!(
            "SQL: counters and indexes of its own, {:.0} MiB, made in {:.1} s",
            mib(bytes),
            sql.seconds
        ));
    }
    if let Some(lists) = &report.fan_out {
        let (list, body) = (lists.list_bytes, lists.body_bytes);
        lines.push(format!(
            "fan-out: {} entries in {} lists, {:.1} MiB; {} bodies, {:.1} MiB",
            lists.entries,
            lists.lists,
            mib(nova_loadtest::summary::number(list)),
            lists.bodies,
            mib(nova_loadtest::summary::number(body))
        ));
    }
    if let Some(write) = &report.fan_out_write {
        lines.push(format!(
            "fan-out, writing {} posts to {} followers' lists of {:.0} entries: {:.1} µs a follower (processor time: redis \
             {} µs, writer {} µs), {:.0} bytes an entry; for the {} followers of the author with most of them {:.2} s a post",
            write.posts,
            write.lists,
            write.entries_per_list,
            write.us_per_follower,
            shown(write.redis_cpu_us_per_follower, 1),
            shown(write.writer_cpu_us_per_follower, 1),
            write.bytes_per_entry,
            write.author_followers,
            write.seconds_for_all
        ));
    }
    lines.join("\n")
}

fn cannot(report: &Report) -> String {
    let mut lines = vec!["What each cannot do".to_owned()];
    for contender in &report.contenders {
        lines.push(format!("* {}", contender.name));
        lines.extend(contender.cannot.iter().map(|what| format!("    - {what}")));
    }
    lines.join("\n")
}

fn goal(report: &Report) -> String {
    let Some(goal) = &report.goal else {
        return "goal: not measured".to_owned();
    };
    format!(
        "goal: a hit costs nova {:.1} µs of processor time, the floor {:.1} µs: {:.2} times, at most {:.1}: {} (with what \
         they use when nothing is asked: {} times)",
        goal.hit,
        goal.floor,
        goal.ratio,
        goal.goal,
        if goal.held { "held" } else { "MISSED" },
        shown(goal.ratio_raw, 2)
    )
}

#[cfg(test)]
mod tests;
