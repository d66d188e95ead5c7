//! Lists written with each post: filled for the viewers, written to for an author's followers, deleted.

mod delete;
mod fill;
mod write;

pub(super) use delete::delete_all;
pub use fill::Filled;
pub(super) use fill::{done, fill};
pub use write::FanWrite;
pub(super) use write::measure_writes;

/// The most entries of a list.
pub(crate) const ENTRIES: usize = 500;
