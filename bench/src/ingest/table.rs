//! The report as tables on stdout.

use super::backlog::BacklogReport;
use super::equality::Equality;
use super::events::EventsReport;
use super::goal::Bottleneck;
use super::reads::ReadsReport;
use super::report::Report;
use super::rows::RowsReport;
use crate::pipeline::course::Hops;
use crate::pipeline::load::Load;
use crate::report::{Percentiles, shown, table};

/// All of it.
pub(super) fn render(report: &Report) -> String {
    let setting = &report.setting;
    let mut parts = vec![format!(
        "{} users, {} posts, {} likes; {} cores, {} build; writers, clients and servers share the machine",
        setting.users, setting.posts, setting.likes, setting.cores, setting.build
    )];
    let waits = |found: &Bottleneck| format!("The rest waits for {}: {}", found.hop, found.because);
    parts.extend(report.rows.as_ref().map(|part| rows("Rows", part)));
    parts.extend(report.rows_bottleneck.as_ref().map(waits));
    let unchecked = |part| rows("Rows, foreign keys unchecked", part);
    parts.extend(report.unchecked.as_ref().map(unchecked));
    parts.extend(report.unchecked_bottleneck.as_ref().map(waits));
    parts.extend(report.events.as_ref().map(events));
    parts.extend(report.events_bottleneck.as_ref().map(waits));
    parts.extend(report.backlog.as_ref().map(backlog));
    parts.push(goals(report));
    parts.join("\n\n")
}

fn rows(name: &str, part: &RowsReport) -> String {
    let pace = match part.rate {
        Some(rate) => format!("{rate:.0} rows/s asked for"),
        None => format!("at most {} rows under way", part.under_way),
    };
    format!(
        "{name}: transactions of {} likes, {pace}; the writer waited {:.0} % of the time\n{}\nA single like until it is visible: {} ms; \
         all but one in a thousand had arrived {:.1} s after the last was written\n{}\n{}",
        part.batch,
        part.writer_waited * 100.0,
        hops("PostgreSQL", &part.hops),
        percentiles(part.lag),
        part.drained,
        load(&part.load),
        equality(&part.equality)
    )
}

fn events(part: &EventsReport) -> String {
    format!(
        "Events: batches of {} by {} connections, at most {} events under way; senders waited {:.0} % of the time, {} batches were put off\n{}\n\
         A batch until it is accepted: {} ms; all had arrived {:.1} s after the last was sent\n{}\n{} events accepted, {} in ClickHouse",
        part.batch,
        part.connections,
        part.under_way,
        part.senders_waited * 100.0,
        part.put_off,
        hops("accepted", &part.hops),
        percentiles(part.accepting),
        part.drained,
        load(&part.load),
        part.accepted,
        part.arrived
    )
}

fn backlog(part: &BacklogReport) -> String {
    format!(
        "Backlog: {} rows worked off in {:.1} s, {:.0} rows/s with the connector's start\n{}\n{}\n{}\n{}\nCounters of {} posts in Redis: {} \
         wrong, {:.1} s after all rows were visible",
        part.rows,
        part.drained,
        part.per_second,
        hops("PostgreSQL", &part.hops),
        feeds(&[("before", &part.before), ("meanwhile", &part.reads)]),
        load(&part.load),
        equality(&part.equality),
        part.counters,
        part.wrong_counters,
        part.counted
    )
}

fn hops(given: &str, hops: &Hops) -> String {
    let line = [
        format!("{:.0} s", hops.seconds),
        format!("{:.0}", hops.given_per_second),
        format!("{:.0}", hops.kafka_per_second),
        format!("{:.0}", hops.clickhouse_per_second),
        format!("{:.0}", hops.slowest_second),
        format!("{:.0}", hops.before_kafka),
        format!("{:.0}", hops.before_clickhouse),
    ];
    let head = [
        "a second",
        given,
        "Kafka",
        "ClickHouse",
        "in the worst second",
        "waiting before Kafka",
        "before ClickHouse",
    ];
    table(head, &[line])
}

fn feeds(reads: &[(&str, &ReadsReport)]) -> String {
    let line = |(name, reads): &(&str, &ReadsReport)| {
        [
            (*name).to_owned(),
            format!("{:.0}", reads.rate),
            reads.reads.to_string(),
            percentiles(reads.hit),
            percentiles(reads.stale),
            percentiles(reads.miss),
            reads.degraded.to_string(),
            reads.failures.len().to_string(),
        ]
    };
    let lines: Vec<[String; 8]> = reads.iter().map(line).collect();
    let head = [
        "feeds",
        "a second",
        "reads",
        "hit p50 / p95 ms",
        "stale",
        "miss",
        "lack something",
        "kinds of failures",
    ];
    table(head, &lines)
}

fn percentiles(found: Option<Percentiles>) -> String {
    let two = |found: Percentiles| format!("{:.0} / {:.0} ({})", found.p50, found.p95, found.count);
    found.map_or_else(|| "–".to_owned(), two)
}

fn equality(equality: &Equality) -> String {
    format!(
        "{} likes of {} posts in PostgreSQL, {} in ClickHouse; {} posts differ, {} messages put aside",
        equality.postgres,
        equality.posts,
        equality.clickhouse,
        equality.differ,
        equality.dead_letters
    )
}

fn load(load: &Load) -> String {
    let processes = load.processes.iter().map(|process| {
        [
            process.name.clone(),
            shown(process.cores, 2),
            shown(process.memory, 0),
        ]
    });
    let processes: Vec<[String; 3]> = processes.collect();
    let threads = load.threads.iter();
    let threads: Vec<String> = threads
        .map(|busy| format!("{} of {} {:.2}", busy.thread, busy.process, busy.cores))
        .collect();
    format!(
        "{}\nMachine: {} of {} cores busy. Threads, cores: {}",
        table(["process", "cores", "MiB"], &processes),
        shown(load.machine, 2),
        load.cores,
        threads.join(", ")
    )
}

fn goals(report: &Report) -> String {
    let lines = report.goals.iter().map(|goal| {
        [
            goal.what.to_owned(),
            format!("{:.0}", goal.measured),
            format!("{:.0}", goal.goal),
            (if goal.held { "held" } else { "missed" }).to_owned(),
        ]
    });
    let lines: Vec<[String; 4]> = lines.collect();
    table(["goal", "measured", "goal", ""], &lines)
}
