//! Pages: cut from a ranking with what is hidden left out, kept as complete answers, dressed with the counts of the
//! moment.

mod cut;
mod dress;
mod stored;

pub(crate) use cut::{Cut, Hydrate, Shown, cut};
pub(crate) use dress::{Dressed, dress, hidden, row_known, shown_counts};
pub(crate) use stored::{StoredItem, StoredPage};
