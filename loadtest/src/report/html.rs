//! The report as a page: the same tables, and the course of the run.

use std::fmt::Write as _;

use super::{Report, maybe};
use crate::summary::{Moment, number};
use crate::thresholds::{Gate, shown};

const STYLE: &str = include_str!("report.css");

/// The chart, in its own units.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 160.0;

pub(super) fn render(report: &Report) -> String {
    let verdict = if report.passed { "passed" } else { "failed" };
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    let mut add = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    add(format!(
        "<title>Nova under load: {verdict}</title>\n<style>\n{STYLE}</style>"
    ));
    add(format!(
        "<h1>Nova under load: <span class=\"{verdict}\">{verdict}</span></h1>"
    ));
    add(setting(report));
    if !report.judgement.breaches.is_empty() {
        add(list(&report.judgement.breaches));
    }
    add("<h2>Thresholds</h2>".to_owned());
    add(thresholds(report));
    add("<h2>Latency in milliseconds, from the scheduled arrival to the last byte</h2>".to_owned());
    add(latencies(report));
    add("<h2>Second by second</h2>".to_owned());
    add(chart(&report.summary.timeline));
    add("<h2>Rates</h2>".to_owned());
    add(rates(report));
    add("<h2>Feeds and errors</h2>".to_owned());
    add(list(&facts(report)));
    add("<h2>Servers, over the measured window</h2>".to_owned());
    add(usage(report));
    page
}

fn setting(report: &Report) -> String {
    let setting = &report.setting;
    let words = format!(
        "{}. {} stack, {}, {} cores. {} users, {} posts, {} likes. {} viewers at a time, a visit every {:.1} s, \
         {:.0} visits a session. Measured {:.0} s after {:.0} s. Seed {}.",
        report.at.to_rfc3339(),
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
        setting.seed
    );
    format!("<p>{}</p>", escaped(&words))
}

fn facts(report: &Report) -> Vec<String> {
    let (feed, errors, generator) = (
        &report.summary.feed,
        &report.summary.errors,
        &report.summary.generator,
    );
    let mut facts = vec![
        format!(
            "{} hits, {} stale, {} misses: hit rate {} %",
            feed.hits,
            feed.stale,
            feed.misses,
            maybe(feed.hit_rate.map(|rate| rate * 100.0), 1)
        ),
        format!(
            "{} pages past the end of the feed, {} not asked for after an error, {} walks started anew",
            feed.ended, feed.given_up, feed.restarted
        ),
        format!(
            "{} of {} requests failed: {} %",
            errors.failed,
            errors.requests,
            maybe(errors.rate.map(|rate| rate * 100.0), 3)
        ),
        format!(
            "the generator let arrivals go late by p50 {:.1}, p99 {:.1}, max {:.1} ms; they waited for a free user p99 \
             {:.1} ms",
            generator.lag_p50, generator.lag_p99, generator.lag_max, generator.waited_p99
        ),
        format!(
            "processor time for a feed read, everything else the servers did included: {} ms",
            maybe(report.cpu_ms_per_read, 2)
        ),
    ];
    let without = feed.degraded.iter();
    facts
        .extend(without.map(|counted| format!("{} feeds without {}", counted.count, counted.what)));
    let reasons = errors.by_reason.iter();
    facts.extend(reasons.map(|counted| format!("{} × {}", counted.count, counted.what)));
    facts
}

fn thresholds(report: &Report) -> String {
    let header = match report.judgement.gate {
        Gate::Levels => ["", "measured", "service level (gate)", "goal"],
        Gate::Goals => ["", "measured", "service level", "goal (gate)"],
    };
    let rows = report.judgement.verdicts.iter().map(|verdict| {
        let limit = |limit, held| {
            let class = if held { "passed" } else { "failed" };
            let text = format!("{} {}", verdict.sense.sign(), shown(verdict.unit, limit));
            format!("<span class=\"{class}\">{}</span>", escaped(&text))
        };
        let measured = verdict.measured.map(|value| shown(verdict.unit, value));
        vec![
            escaped(&verdict.name),
            escaped(measured.as_deref().unwrap_or("–")),
            limit(verdict.level, verdict.level_held),
            limit(verdict.goal, verdict.goal_held),
        ]
    });
    table(&header, rows)
}

fn latencies(report: &Report) -> String {
    let header = [
        "",
        "count",
        "p50",
        "p90",
        "p95",
        "p99",
        "max",
        "p95 from sending",
    ];
    let rows = report.summary.latencies.iter().filter(|row| row.count > 0);
    let rows = rows.map(|row| {
        let values = [row.p50, row.p90, row.p95, row.p99, row.max, row.service_p95];
        [escaped(row.measure.name()), row.count.to_string()]
            .into_iter()
            .chain(values.map(|value| format!("{value:.1}")))
            .collect()
    });
    table(&header, rows)
}

fn rates(report: &Report) -> String {
    let header = ["", "asked / s", "achieved / s", "in the schedule", "done"];
    let rows = report.summary.rates.iter().filter(|rate| rate.asked > 0.0);
    let rows = rows.map(|rate| {
        vec![
            escaped(rate.flow.name()),
            format!("{:.1}", rate.asked),
            format!("{:.1}", rate.achieved),
            rate.planned.to_string(),
            rate.done.to_string(),
        ]
    });
    table(&header, rows)
}

fn usage(report: &Report) -> String {
    let header = ["", "CPU s", "cores", "memory MiB", "peak MiB"];
    let rows = report.usage.iter().map(|usage| {
        vec![
            escaped(&usage.name),
            maybe(usage.cpu_seconds, 1),
            maybe(usage.cores, 2),
            maybe(usage.memory_mean, 0),
            maybe(usage.memory_peak, 0),
        ]
    });
    table(&header, rows)
}

/// Cells are HTML already.
fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = String::from("<table>\n<tr>");
    for cell in header {
        let _ = write!(text, "<th>{}", escaped(cell));
    }
    for row in rows {
        text.push_str("\n<tr>");
        for cell in row {
            let _ = write!(text, "<td>{cell}");
        }
    }
    text.push_str("\n</table>");
    text
}

fn list(items: &[String]) -> String {
    let items: String = items
        .iter()
        .map(|item| format!("\n<li>{}", escaped(item)))
        .collect();
    format!("<ul>{items}\n</ul>")
}

/// The 95th percentile of feed reads and the errors of each second.
fn chart(timeline: &[Moment]) -> String {
    let slowest = timeline
        .iter()
        .filter_map(|moment| moment.p95)
        .fold(1.0_f64, f64::max);
    let seconds = number(u64::try_from(timeline.len()).unwrap_or(1).max(1));
    let x = |second: usize| (number(u64::try_from(second).unwrap_or(0)) + 0.5) * WIDTH / seconds;
    let y = |ms: f64| HEIGHT - ms / slowest * HEIGHT;
    let line: Vec<String> = timeline
        .iter()
        .enumerate()
        .filter_map(|(second, moment)| Some(format!("{:.1},{:.1}", x(second), y(moment.p95?))))
        .collect();
    let errors: String = timeline
        .iter()
        .enumerate()
        .filter(|(_, moment)| moment.errors > 0)
        .map(|(second, moment)| {
            format!(
                "\n<circle cx=\"{:.1}\" cy=\"{HEIGHT:.0}\" r=\"4\"><title>{} errors in second {second}</title></circle>",
                x(second),
                moment.errors
            )
        })
        .collect();
    format!(
        "<svg viewBox=\"0 -6 {WIDTH:.0} {:.0}\" role=\"img\">\n<polyline points=\"{}\"/>{errors}\n</svg>\n\
         <p>p95 of the feed reads of each second, up to {slowest:.1} ms; dots are errors.</p>",
        HEIGHT + 12.0,
        line.join(" ")
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
