//! The values of one line by column name, whatever the file's format.

use chrono::{DateTime, SubsecRound as _, Utc};

use crate::defect::{Defect, Reason};

/// The columns a reader asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    /// All columns known, each once.
    pub columns: &'static [&'static str],
    /// Those that every line must have.
    pub required: &'static [&'static str],
    /// Whether other columns are passed over; otherwise they are an error, since a misspelt optional column
    /// (`visibilty`) would silently publish what was meant to be private.
    pub others_allowed: bool,
}

impl Spec {
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| *name == column)
    }
}

/// One line's values; an empty one counts as absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    columns: &'static [&'static str],
    values: Vec<Option<String>>,
}

impl Fields {
    pub(crate) fn empty(spec: &Spec) -> Self {
        Self {
            columns: spec.columns,
            values: vec![None; spec.columns.len()],
        }
    }

    pub(crate) fn set(&mut self, position: usize, value: String) {
        if let Some(slot) = self.values.get_mut(position) {
            *slot = (!value.is_empty()).then_some(value);
        }
    }

    pub(crate) fn optional(&self, column: &'static str) -> Option<&str> {
        let position = self.columns.iter().position(|name| *name == column)?;
        self.values.get(position)?.as_deref()
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<&str, Reason> {
        self.optional(column)
            .ok_or_else(|| Reason::about(Defect::MissingValue, column, ""))
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<DateTime<Utc>, Reason> {
        self.optional_time(column)?
            .ok_or_else(|| Reason::about(Defect::MissingValue, column, ""))
    }

    pub(crate) fn optional_time(
        &self,
        column: &'static str,
    ) -> Result<Option<DateTime<Utc>>, Reason> {
        let Some(text) = self.optional(column) else {
            return Ok(None);
        };
        let refuse = |why: &str| {
            let given: String = text.chars().take(40).collect();
            Reason::about(Defect::InvalidValue, column, format!("`{given}` {why}"))
        };
        let at = DateTime::parse_from_rfc3339(text)
            .map_err(|_| refuse("is not a time like 2024-05-01T12:00:00Z"))?
            .with_timezone(&Utc)
            // What PostgreSQL keeps.
            .trunc_subsecs(6);
        if at < DateTime::UNIX_EPOCH {
            return Err(refuse("is before 1970"));
        }
        Ok(Some(at))
    }

    /// A whole number of 0 to `max`.
    pub(crate) fn number(&self, column: &'static str, max: u32) -> Result<Option<u32>, Reason> {
        let Some(text) = self.optional(column) else {
            return Ok(None);
        };
        match text.parse::<u32>() {
            Ok(number) if number <= max => Ok(Some(number)),
            _ => {
                let given: String = text.chars().take(40).collect();
                Err(Reason::about(
                    Defect::InvalidValue,
                    column,
                    format!("`{given}` is not a whole number of 0 to {max}"),
                ))
            }
        }
    }

    /// One of a fixed set of words, or its default.
    pub(crate) fn word<T>(&self, column: &'static str, default: T) -> Result<T, Reason>
    where
        T: std::str::FromStr<Err = nova_domain::ParseVariantError>,
    {
        self.optional(column).map_or(Ok(default), |text| {
            text.parse()
                .map_err(|error: nova_domain::ParseVariantError| {
                    Reason::about(Defect::InvalidValue, column, error.to_string())
                })
        })
    }
}
