//! What the candidates are scored by, and what moves them.

pub(crate) mod counts;
pub(crate) mod interactions;
pub(crate) mod seen;
