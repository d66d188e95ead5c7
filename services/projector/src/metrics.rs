//! The names of this crate's metrics.

/// Counter: records without a value that were put into `dead_letters`, by `topic`.
pub const QUARANTINED: &str = "nova_projector_quarantined_total";
/// Counter: attempts to write to ClickHouse that failed and were repeated.
pub const RETRIES: &str = "nova_projector_write_retries_total";
