//! From the bytes of a request to values that are right.

mod cursor;
mod form;
mod id;
mod idempotency;
mod json;
mod query;
mod viewer;

pub(crate) use cursor::{decode as decode_cursor, encode as encode_cursor};
pub(crate) use form::{Errors, Form};
pub(crate) use id::Id;
pub(crate) use idempotency::Key;
pub(crate) use json::Body;
pub(crate) use query::{Cursor, Flag, Number, Query};
pub(crate) use viewer::Viewer;
