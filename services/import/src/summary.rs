//! What an import did, in numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;

use crate::defect::{Defect, Reason};
use crate::row::Kind;

/// The fate of the lines of one kind. `read` is the sum of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that were read.
    pub read: u64,
    /// Rows inserted; events acknowledged by Kafka.
    pub written: u64,
    /// Rows that existed and were left as they are. Kafka cannot tell: of events, none.
    pub present: u64,
    /// Lines refused.
    pub bad: u64,
    /// Good lines that mean nothing to Nova.
    pub ignored: u64,
}

/// The result of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// By kind; kinds that the source does not have are absent.
    pub counts: BTreeMap<Kind, Counts>,
    /// Refused lines by kind, defect and column.
    pub bad: BTreeMap<(Kind, Defect, Option<&'static str>), u64>,
    /// Passed-over lines by kind and reason.
    pub ignored: BTreeMap<(Kind, &'static str), u64>,
    /// How far times were moved.
    pub shift: TimeDelta,
    /// Whether the shift was taken over from an earlier import of the same source.
    pub shift_continued: bool,
    /// From the first byte to the last acknowledgement.
    pub took: Duration,
}

impl Summary {
    /// The counts of one kind; zeros when the source has none.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Counts {
        self.counts.get(&kind).cloned().unwrap_or_default()
    }

    /// All refused lines.
    #[must_use]
    pub fn bad_lines(&self) -> u64 {
        self.counts.values().map(|c| c.bad).sum()
    }

    pub(crate) fn count(&mut self, kind: Kind) -> &mut Counts {
        self.counts.entry(kind).or_default()
    }

    pub(crate) fn note_bad(&mut self, kind: Kind, reason: &Reason) {
        self.count(kind).bad += 1;
        let entry = (kind, reason.defect, reason.column);
        *self.bad.entry(entry).or_default() += 1;
    }

    pub(crate) fn note_ignored(&mut self, kind: Kind, why: &'static str) {
        self.count(kind).ignored += 1;
        *self.ignored.entry((kind, why)).or_default() += 1;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10}{:>10}{:>10}{:>15}{:>8}{:>9}",
            "kind", "read", "written", "there already", "bad", "ignored"
        )?;
        for (kind, c) in &self.counts {
            writeln!(
                f,
                "{:<10}{:>10}{:>10}{:>15}{:>8}{:>9}",
                kind.as_str(),
                c.read,
                c.written,
                c.present,
                c.bad,
                c.ignored
            )?;
        }
        for ((kind, defect, column), n) in &self.bad {
            let column = column.map(|c| format!(": {c}")).unwrap_or_default();
            writeln!(f, "bad: {n} of {}: {defect}{column}", kind.as_str())?;
        }
        for ((kind, why), n) in &self.ignored {
            writeln!(f, "ignored: {n} of {}: {why}", kind.as_str())?;
        }
        if self.shift_continued || !self.shift.is_zero() {
            let days = self.shift.num_days();
            let hours = (self.shift - TimeDelta::days(days)).num_hours();
            let since = if self.shift_continued {
                ", as by the earlier import of this source"
            } else {
                ""
            };
            writeln!(f, "times moved by {days} days {hours} hours{since}")?;
        }
        write!(f, "took {:.1} s", self.took.as_secs_f64())
    }
}
