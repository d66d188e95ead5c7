//! What is told on stderr while a load runs, and the times for the report.

use std::time::{Duration, Instant};

use super::report::{Side, StepReport, with_separators};

/// Between two lines about the same table.
const EVERY: Duration = Duration::from_secs(5);

/// Tells and remembers what one side did.
#[derive(Debug)]
pub(super) struct Progress {
    side: Side,
    quiet: bool,
    started: Instant,
    steps: Vec<StepReport>,
}

/// A table, or another step, that is under way.
#[derive(Debug)]
pub(super) struct Step {
    name: &'static str,
    all: u64,
    done: u64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    pub(super) fn new(side: Side, quiet: bool) -> Self {
        Self {
            side,
            quiet,
            started: Instant::now(),
            steps: Vec::new(),
        }
    }

    pub(super) fn begin(&self, name: &'static str, all: u64) -> Step {
        let now = Instant::now();
        Step {
            name,
            all,
            done: 0,
            begun: now,
            told: now,
        }
    }

    /// So many rows more.
    pub(super) fn advance(&self, step: &mut Step, rows: u64) {
        step.done += rows;
        if step.told.elapsed() >= EVERY {
            step.told = Instant::now();
            self.tell(&format!(
                "{} {} of {}",
                step.name,
                with_separators(step.done),
                with_separators(step.all)
            ));
        }
    }

    pub(super) fn end(&mut self, step: &Step) {
        let report = StepReport {
            side: self.side,
            name: step.name,
            rows: step.done,
            took: step.begun.elapsed(),
        };
        self.tell(&report.to_string());
        self.steps.push(report);
    }

    pub(super) fn tell(&self, text: &str) {
        if !self.quiet {
            let seconds = self.started.elapsed().as_secs_f64();
            eprintln!("{seconds:7.1} s  {:<11}{text}", self.side.as_str());
        }
    }

    pub(super) fn into_steps(self) -> Vec<StepReport> {
        self.steps
    }
}
