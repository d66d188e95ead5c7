//! The report on a terminal.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::{Report, maybe};
use crate::thresholds::{Gate, Verdict, shown};

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{words}");
    };
    let setting = &report.setting;
    line(&format!(
        "{} stack, {}, {} cores; {} users, {} posts, {} likes; {} viewers at a time, a visit every {:.1} s, {:.0} \
         visits a session; measured {:.0} s after {:.0} s",
        setting.stack,
        setting.generator(),
        setting.cores,
        setting.users,
        setting.posts,
        setting.likes,
        setting.online,
        setting.gap,
        setting.visits,
        report.summary.seconds,
        setting.warm_up,
    ));
    line(&format!(
        "\nlatency in ms, from the scheduled arrival to the last byte\n{}",
        latencies(report)
    ));
    line(&format!("\nrates\n{}", rates(report)));
    line(&format!("\n{}", feed(report)));
    line(&errors(report));
    line(&generator(report));
    line(&format!(
        "\nservers, over the measured window\n{}",
        usage(report)
    ));
    line(&format!(
        "processor time for a feed read, everything else the servers did included: {} ms",
        maybe(report.cpu_ms_per_read, 2)
    ));
    line(&format!("\nthresholds\n{}", thresholds(report)));
    if report.passed {
        line("\nPASSED");
    } else {
        line("\nFAILED");
        for breach in &report.judgement.breaches {
            line(&format!("  {breach}"));
        }
        // Here again: of a run in CI the end is what is looked at.
        if report.summary.errors.failed > 0 {
            line(&format!("  {}", errors(report).replace('\n', "\n  ")));
        }
    }
    text
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn latencies(report: &Report) -> Table {
    let mut table = table([
        "",
        "count",
        "p50",
        "p90",
        "p95",
        "p99",
        "max",
        "p95 from sending",
    ]);
    for row in report.summary.latencies.iter().filter(|row| row.count > 0) {
        let ms = |value: f64| format!("{value:.1}");
        table.add_row([
            row.measure.name().to_owned(),
            row.count.to_string(),
            ms(row.p50),
            ms(row.p90),
            ms(row.p95),
            ms(row.p99),
            ms(row.max),
            ms(row.service_p95),
        ]);
    }
    table
}

fn rates(report: &Report) -> Table {
    let mut table = table(["", "asked / s", "achieved / s", "in the schedule", "done"]);
    for rate in report.summary.rates.iter().filter(|rate| rate.asked > 0.0) {
        table.add_row([
            rate.flow.name().to_owned(),
            format!("{:.1}", rate.asked),
            format!("{:.1}", rate.achieved),
            rate.planned.to_string(),
            rate.done.to_string(),
        ]);
    }
    table
}

fn feed(report: &Report) -> String {
    let feed = &report.summary.feed;
    let mut text = format!(
        "feeds: {} hits, {} stale, {} misses; hit rate {} %",
        feed.hits,
        feed.stale,
        feed.misses,
        maybe(feed.hit_rate.map(|rate| rate * 100.0), 1)
    );
    if feed.ended > 0 {
        let _ = write!(text, "; {} pages past the end of the feed", feed.ended);
    }
    if feed.given_up > 0 {
        let _ = write!(
            text,
            "; {} pages not asked for after an error",
            feed.given_up
        );
    }
    if feed.restarted > 0 {
        let _ = write!(text, "; {} walks started anew", feed.restarted);
    }
    for counted in &feed.degraded {
        let _ = write!(text, "; {} without {}", counted.count, counted.what);
    }
    text
}

fn errors(report: &Report) -> String {
    let errors = &report.summary.errors;
    let mut text = format!(
        "errors: {} of {} requests, {} %",
        errors.failed,
        errors.requests,
        maybe(errors.rate.map(|rate| rate * 100.0), 3)
    );
    for counted in &errors.by_reason {
        let _ = write!(text, "\n  {} × {}", counted.count, counted.what);
    }
    text
}

fn generator(report: &Report) -> String {
    let generator = &report.summary.generator;
    format!(
        "generator: arrivals let go late by p50 {:.1}, p99 {:.1}, max {:.1} ms; waited for a free user p99 {:.1} ms",
        generator.lag_p50, generator.lag_p99, generator.lag_max, generator.waited_p99
    )
}

fn usage(report: &Report) -> Table {
    let mut table = table(["", "CPU s", "cores", "memory MiB", "peak MiB"]);
    for usage in &report.usage {
        table.add_row([
            usage.name.clone(),
            maybe(usage.cpu_seconds, 1),
            maybe(usage.cores, 2),
            maybe(usage.memory_mean, 0),
            maybe(usage.memory_peak, 0),
        ]);
    }
    table
}

fn thresholds(report: &Report) -> Table {
    let gate = match report.judgement.gate {
        Gate::Levels => ["", "measured", "service level (gate)", "goal"],
        Gate::Goals => ["", "measured", "service level", "goal (gate)"],
    };
    let mut table = table(gate);
    for verdict in &report.judgement.verdicts {
        table.add_row([
            verdict.name.clone(),
            verdict
                .measured
                .map_or_else(|| "–".to_owned(), |value| shown(verdict.unit, value)),
            limit(verdict, verdict.level, verdict.level_held),
            limit(verdict, verdict.goal, verdict.goal_held),
        ]);
    }
    table
}

fn limit(verdict: &Verdict, limit: f64, held: bool) -> String {
    let sign = verdict.sense.sign();
    let mark = if held { "ok" } else { "NO" };
    format!("{sign} {} {mark}", shown(verdict.unit, limit))
}
