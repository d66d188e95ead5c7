//! The names of this crate's metrics.

/// Counter: events acknowledged by Kafka.
pub const EVENTS_PUBLISHED: &str = "nova_stream_events_published_total";
/// Counter: events Kafka did not take, by `reason` (`queue_full`, `unavailable`).
pub const EVENTS_REFUSED: &str = "nova_stream_events_refused_total";
/// Histogram: seconds from handing a batch over to the last acknowledgement.
pub const PUBLISH_SECONDS: &str = "nova_stream_publish_seconds";
/// Counter: clients of Kafka that knew no broker any more and were made anew, by `client` (`reader`, `producer`).
pub const CLIENTS_RESTARTED: &str = "nova_stream_clients_restarted_total";
