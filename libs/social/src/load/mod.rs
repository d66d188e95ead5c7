//! Loading a population by COPY, beside the change stream or through it.
//!
//! A load is a sequence of slices. A slice is one transaction: whole or not at all, and noted in a journal, so that a
//! load that broke off goes on where it stopped. Beside the stream ([`Way::Beside`]) the slice's transaction takes the
//! table out of the publication and puts it back: pgoutput does not publish the rows in between, and what is seen of the
//! publication from outside never changes.
//!
//! It is not one transaction for everything: a transaction holds the replication slot's WAL until it ends, and past
//! `max_slot_wal_keep_size` the slot is lost; and the WAL sender would write every row of it to disk before it finds out
//! that none is to be sent. See docs/decisions/0015.

mod copy;
mod error;
mod indexes;
mod journal;
mod loader;
mod rows;
mod slots;

pub use copy::{CopyRow, CopyRows, CopyTable};
pub use error::LoadError;
pub use journal::{Load, Wanted};
pub use loader::{Loader, Way};
pub use rows::{AuthoredComment, AuthoredLike};
