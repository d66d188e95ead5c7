//! What a body has to be: first the JSON's shape, then every rule, all mistakes told at once.

use nova_runtime::ApiConfig;
use serde::de::DeserializeOwned;

use crate::problem::{FieldError, Kind, Problem};

/// A body as a client sends it. Fields that it does not have are ignored.
pub(crate) trait Form: DeserializeOwned {
    /// What it is when every rule holds.
    type Value;

    /// Checks every rule. `None` only if at least one error was told.
    fn check(self, errors: &mut Errors) -> Option<Self::Value>;

    /// Its limit.
    fn max_bytes(config: &ApiConfig) -> usize {
        config.max_body_bytes
    }

    /// The value, or a problem that lists the mistakes.
    fn parse(self) -> Result<Self::Value, Problem> {
        let mut errors = Errors::default();
        let value = self.check(&mut errors);
        match value {
            Some(value) if errors.0.is_empty() => Ok(value),
            _ => Err(Problem::new(Kind::Validation).with_errors(errors.0)),
        }
    }
}

/// Mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<FieldError>);

impl Errors {
    /// Tells what is wrong at a JSON pointer.
    pub(crate) fn add(&mut self, pointer: impl Into<String>, detail: &(impl ToString + ?Sized)) {
        self.0.push(FieldError::at(pointer, detail));
    }

    /// Keeps the value, or tells why there is none.
    pub(crate) fn take<T, E: ToString>(
        &mut self,
        pointer: impl Into<String>,
        parsed: Result<T, E>,
    ) -> Option<T> {
        parsed.map_err(|error| self.add(pointer, &error)).ok()
    }

    /// Whether there is none yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
