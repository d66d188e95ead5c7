//! Answers of Redis, taken one after the other in the order of the commands.

use std::fmt::Display;
use std::str::FromStr;

use bytes::Bytes;
use redis::Value;

use crate::batch::is_wrong_type;
use crate::corrupt;
use crate::error::CacheError;
use crate::metrics::{self, Operation};

/// A field of a hash, and its value.
pub(crate) type Field = (Vec<u8>, Vec<u8>);

/// The answers of one pipeline.
pub(crate) struct Replies {
    operation: Operation,
    values: std::vec::IntoIter<Value>,
}

impl Replies {
    pub(crate) fn new(operation: Operation, values: Vec<Value>) -> Self {
        Self {
            operation,
            values: values.into_iter(),
        }
    }

    /// The next answer; a key of another type is a miss, reported by the name that `key` makes.
    fn next(
        &mut self,
        what: &'static str,
        key: impl FnOnce() -> String,
    ) -> Result<Value, CacheError> {
        match self.values.next() {
            Some(Value::ServerError(error)) if is_wrong_type(&error) => {
                corrupt::report(what, &key(), "the key is of another type");
                Ok(Value::Nil)
            }
            Some(Value::ServerError(error)) => {
                let error = CacheError::of_command(&error);
                metrics::failed(self.operation, &error);
                Err(error)
            }
            Some(value) => Ok(value),
            None => Ok(Value::Nil),
        }
    }

    /// A string, or nothing.
    pub(crate) fn bytes(
        &mut self,
        what: &'static str,
        key: impl FnOnce() -> String,
    ) -> Result<Option<Bytes>, CacheError> {
        Ok(text(self.next(what, key)?).map(Bytes::from))
    }

    /// The values of the fields that were asked for, in their order: none when the hash has none of them.
    pub(crate) fn fields<const N: usize>(
        &mut self,
        what: &'static str,
        key: impl FnOnce() -> String,
    ) -> Result<Option<[Option<Vec<u8>>; N]>, CacheError> {
        let Value::Array(values) = self.next(what, key)? else {
            return Ok(None);
        };
        let mut fields = [const { None }; N];
        for (field, value) in fields.iter_mut().zip(values) {
            *field = text(value);
        }
        Ok(fields.iter().any(Option::is_some).then_some(fields))
    }

    /// A whole hash; empty when there is none.
    pub(crate) fn hash(
        &mut self,
        what: &'static str,
        key: impl FnOnce() -> String,
    ) -> Result<Vec<Field>, CacheError> {
        Ok(match self.next(what, key)? {
            // RESP3, when the address asks for it.
            Value::Map(pairs) => pairs
                .into_iter()
                .filter_map(|(field, value)| Some((text(field)?, text(value)?)))
                .collect(),
            Value::Array(flat) => {
                let mut flat = flat.into_iter();
                let mut pairs = Vec::with_capacity(flat.len() / 2);
                while let (Some(field), Some(value)) = (flat.next(), flat.next()) {
                    pairs.extend(text(field).zip(text(value)));
                }
                pairs
            }
            _ => Vec::new(),
        })
    }
}

fn text(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        Value::Int(number) => Some(number.to_string().into_bytes()),
        _ => None,
    }
}

/// A value written as text.
pub(crate) fn parse<T>(bytes: &[u8]) -> Result<T, String>
where
    T: FromStr<Err: Display>,
{
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// A field that may be missing.
pub(crate) fn parse_field<T>(field: Option<&Vec<u8>>) -> Result<Option<T>, String>
where
    T: FromStr<Err: Display>,
{
    field.map(|bytes| parse(bytes)).transpose()
}

/// A value, or a miss that is reported by the name that `key` makes.
pub(crate) fn or_miss<T>(
    decoded: Result<T, String>,
    what: &'static str,
    key: impl FnOnce() -> String,
) -> Option<T> {
    decoded
        .map_err(|reason| corrupt::report(what, &key(), reason))
        .ok()
}
