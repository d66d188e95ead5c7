//! What the candidates are scored by.

pub(crate) mod counts;
pub(crate) mod interactions;
