//! The report as it is saved.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::backlog::BacklogReport;
use super::events::EventsReport;
use super::goal::{self, Bottleneck, Goal, Names};
use super::rows::RowsReport;
use crate::setting::Setting;

/// Everything a reader needs to judge the numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When the run ended.
    pub at: DateTime<Utc>,
    /// Where it ran and with what.
    pub setting: Setting,
    /// Rows, if they were measured.
    pub rows: Option<RowsReport>,
    /// What rows wait for.
    pub rows_bottleneck: Option<Bottleneck>,
    /// Rows written without foreign keys being checked, if they were measured.
    pub unchecked: Option<RowsReport>,
    /// What these wait for.
    pub unchecked_bottleneck: Option<Bottleneck>,
    /// Events, if they were measured.
    pub events: Option<EventsReport>,
    /// What events wait for.
    pub events_bottleneck: Option<Bottleneck>,
    /// A backlog, if one was made.
    pub backlog: Option<BacklogReport>,
    /// The verdicts.
    pub goals: Vec<Goal>,
}

const ROW_HOPS: Names = Names {
    given: "whoever writes, and PostgreSQL",
    kafka: "PostgreSQL to Kafka: WAL sender, Debezium, Kafka's producer",
    clickhouse: "Kafka to ClickHouse: consumer, decoding, views, parts",
};

const EVENT_HOPS: Names = Names {
    given: "the senders, and the API",
    kafka: "the API to Kafka",
    clickhouse: ROW_HOPS.clickhouse,
};

impl Report {
    pub(super) fn new(setting: Setting) -> Self {
        Self {
            at: Utc::now(),
            setting,
            rows: None,
            rows_bottleneck: None,
            unchecked: None,
            unchecked_bottleneck: None,
            events: None,
            events_bottleneck: None,
            backlog: None,
            goals: Vec::new(),
        }
    }

    pub(super) fn rows(&mut self, rows: RowsReport) {
        self.rows_bottleneck = Some(self.judge("rows/s PostgreSQL to ClickHouse", &rows));
        self.rows = Some(rows);
    }

    pub(super) fn unchecked(&mut self, rows: RowsReport) {
        let what = "rows/s PostgreSQL to ClickHouse, foreign keys unchecked";
        self.unchecked_bottleneck = Some(self.judge(what, &rows));
        self.unchecked = Some(rows);
    }

    fn judge(&mut self, what: &'static str, rows: &RowsReport) -> Bottleneck {
        let measured = rows.hops.clickhouse_per_second;
        self.goals.push(Goal::at_least(what, measured, goal::ROWS));
        goal::bottleneck(ROW_HOPS, &rows.hops, rows.writer_waited, &rows.load)
    }

    pub(super) fn events(&mut self, events: EventsReport) {
        let measured = events.hops.clickhouse_per_second;
        let goal = Goal::at_least("events/s API to ClickHouse", measured, goal::EVENTS);
        self.goals.push(goal);
        let found = goal::bottleneck(
            EVENT_HOPS,
            &events.hops,
            events.senders_waited,
            &events.load,
        );
        self.events_bottleneck = Some(found);
        self.events = Some(events);
    }

    pub(super) fn backlog(&mut self, backlog: BacklogReport) {
        for (what, found, limit) in [
            (
                "feed hit p95 ms during the backlog",
                backlog.reads.hit,
                goal::HIT,
            ),
            (
                "feed miss p95 ms during the backlog",
                backlog.reads.miss,
                goal::MISS,
            ),
        ] {
            let measured = found.map_or(f64::NAN, |found| found.p95);
            self.goals.push(Goal::at_most(what, measured, limit));
        }
        self.backlog = Some(backlog);
    }

    /// What was wrong, whatever the speed.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let rows = self.rows.iter().chain(&self.unchecked);
        failures.extend(rows.flat_map(RowsReport::failures));
        failures.extend(self.events.iter().flat_map(EventsReport::failures));
        failures.extend(self.backlog.iter().flat_map(BacklogReport::failures));
        failures
    }
}
