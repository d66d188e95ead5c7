//! What came of a run: one log line, one line for people, and the metrics.

use std::fmt;
use std::time::Duration;

use ::metrics::{counter, gauge, histogram};
use chrono::Utc;

use crate::job::JobName;
use crate::metrics;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should.
    Ok,
    /// It did not; the error says why.
    Failed,
    /// Its deadline came first. What it had written by then stays.
    Late,
    /// Another process is at it.
    Skipped,
    /// The process was told to stop.
    Stopped,
}

impl Outcome {
    /// The word used in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Late => "late",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
        }
    }
}

/// A run, told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which job.
    pub job: JobName,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What it wrote: lists, pages, or likes, as the job says.
    pub items: u64,
    /// Why it failed, or what there is to know beside.
    pub remark: Option<String>,
}

impl Report {
    /// Logs and counts it.
    pub(crate) fn record(&self) {
        let (job, outcome) = (self.job.as_str(), self.outcome.as_str());
        let millis = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        let remark = self.remark.as_deref().unwrap_or_default();
        match self.outcome {
            Outcome::Failed | Outcome::Late => {
                tracing::warn!(job, outcome, millis, items = self.items, remark, "job");
            }
            _ => tracing::info!(job, outcome, millis, items = self.items, remark, "job"),
        }
        counter!(metrics::RUNS, "job" => job, "outcome" => outcome).increment(1);
        counter!(metrics::ITEMS, "job" => job).increment(self.items);
        if self.outcome != Outcome::Skipped {
            histogram!(metrics::RUN_SECONDS, "job" => job).record(self.took);
        }
        if self.outcome == Outcome::Ok {
            // Seconds since 1970 fit a double for 285 million years.
            gauge!(metrics::LAST_SUCCESS, "job" => job).set(Utc::now().timestamp() as f64);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}, {} items in {:.2} s",
            self.job,
            self.outcome.as_str(),
            self.items,
            self.took.as_secs_f64()
        )?;
        match &self.remark {
            Some(remark) => write!(f, "; {remark}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line() {
        let mut report = Report {
            job: JobName::HotPostGenerator,
            outcome: Outcome::Ok,
            took: Duration::from_millis(123),
            items: 37,
            remark: None,
        };
        assert_eq!(
            report.to_string(),
            "HotPostGenerator: ok, 37 items in 0.12 s"
        );
        report.outcome = Outcome::Failed;
        report.remark = Some("Redis cannot be reached".to_owned());
        assert_eq!(
            report.to_string(),
            "HotPostGenerator: failed, 37 items in 0.12 s; Redis cannot be reached"
        );
    }
}
