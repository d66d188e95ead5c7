//! A random small social network, the same in a real ClickHouse and in plain Rust.

pub(crate) mod brute;
pub(crate) mod engine;
pub(crate) mod generate;
pub(crate) mod graph;
pub(crate) mod postgres;
pub(crate) mod reference;
pub(crate) mod rows;
