//! What can be wrong with a line, in words that a person can act on.

use std::fmt;
use std::sync::Arc;

use nova_domain::TextError;

/// The kind of a defect; the summary counts by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// Not JSON, not CSV, not UTF-8, or longer than a line may be.
    Malformed,
    /// A column that the file must not have.
    UnknownColumn,
    /// A column without which the row means nothing is absent or empty.
    MissingValue,
    /// A value outside the limits of its column.
    InvalidValue,
    /// A time later than now (after shifting).
    FutureTime,
    /// An event from before the time that events are kept for.
    TooOld,
    /// The key of a post stands on an earlier line with another time.
    RepeatedKey,
    /// The post it refers to is neither in the files (as a good line) nor in Nova.
    UnknownPost,
    /// The user it refers to is neither in the files (as a good line) nor in Nova.
    UnknownUser,
    /// The text it refers to is not in the source.
    UnknownText,
    /// Another user has the handle.
    HandleTaken,
}

impl Defect {
    /// The words used in messages and in the summary.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed line",
            Self::UnknownColumn => "unknown column",
            Self::MissingValue => "missing value",
            Self::InvalidValue => "invalid value",
            Self::FutureTime => "time in the future",
            Self::TooOld => "older than events are kept",
            Self::RepeatedKey => "key used twice",
            Self::UnknownPost => "unknown post",
            Self::UnknownUser => "unknown user",
            Self::UnknownText => "unknown text",
            Self::HandleTaken => "handle taken",
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why one line was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind of the defect.
    pub defect: Defect,
    /// The column it is about, where it is about one.
    pub column: Option<&'static str>,
    /// What exactly, without repeating the above; may be empty.
    pub detail: String,
}

impl Reason {
    pub(crate) fn new(defect: Defect, detail: impl Into<String>) -> Self {
        Self {
            defect,
            column: None,
            detail: detail.into(),
        }
    }

    pub(crate) fn about(defect: Defect, column: &'static str, detail: impl Into<String>) -> Self {
        Self {
            defect,
            column: Some(column),
            detail: detail.into(),
        }
    }

    pub(crate) fn text(column: &'static str, error: &TextError) -> Self {
        Self::about(Defect::InvalidValue, column, error.to_string())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.defect.as_str())?;
        if let Some(column) = self.column {
            write!(f, ": {column}")?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// A refused line and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The file, as the source names it.
    pub file: Arc<str>,
    /// The line on which the row begins; the first is 1.
    pub line: u64,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}
