//! Reads real data into PostgreSQL and the event stream.
//!
//! Ids are derived from the source's keys, so an import may be repeated, or started again after a crash, and gives the
//! same rows. Files are read in the order of their dependencies and in batches; memory does not grow with their size,
//! except for one small entry per post (see [`Format`]).
//!
//! ```text
//! reader thread: file → lines → rows (pure) ──batches──▶ engine: shift, check or insert, publish, count
//! ```

mod cofacts;
mod defect;
mod engine;
mod fields;
mod input;
mod key;
mod lines;
mod options;
mod progress;
mod row;
mod shift;
mod summary;
mod tables;
mod write;

pub use cofacts::CofactsOptions;
pub use defect::{BadLine, Defect, Reason};
pub use engine::run;
pub use input::{Format, ReadError, detect_format};
pub use options::{ImportError, Options};
pub use row::Kind;
pub use summary::{Counts, Summary};
