//! The names of this crate's metrics.

/// Counter: records without a value that were put into `dead_letters`, by `topic`.
pub const QUARANTINED: &str = "nova_projector_quarantined_total";
/// Counter: attempts to write to ClickHouse that failed and were repeated.
pub const RETRIES: &str = "nova_projector_write_retries_total";

/// Histogram: seconds from the commit in PostgreSQL until the record is projected, by `topic`.
pub const LAG_SECONDS: &str = "nova_projector_lag_seconds";
/// Histogram: seconds from the commit in PostgreSQL until the record is read from Kafka, by `topic`.
pub const ARRIVAL_LAG_SECONDS: &str = "nova_projector_arrival_lag_seconds";
/// Histogram: seconds from reading a record until ClickHouse has it, by `topic`.
pub const CLICKHOUSE_WAIT_SECONDS: &str = "nova_projector_clickhouse_wait_seconds";
/// Histogram: records of a batch as read.
pub const BATCH_RECORDS: &str = "nova_projector_batch_records";
/// Counter: records that were projected, by `topic`.
pub const PROJECTED: &str = "nova_projector_records_total";
/// Counter: records that say nothing that could be projected, by `topic`. ClickHouse keeps their bytes.
pub const UNDECODABLE: &str = "nova_projector_undecodable_total";
/// Counter: records that ClickHouse had put aside.
pub const PUT_ASIDE: &str = "nova_projector_put_aside_total";
/// Gauge: records that were read and are not projected.
pub const PENDING_RECORDS: &str = "nova_projector_pending_records";
/// Gauge: keys that ClickHouse does not have yet.
pub const PENDING_FACTS: &str = "nova_projector_pending_facts";
/// Gauge: posts to be recounted, large ones that rest among them.
pub const PENDING_POSTS: &str = "nova_projector_pending_posts";
/// Gauge: 1 while reading is paused because too much is under way.
pub const PAUSED: &str = "nova_projector_paused";
/// Histogram: seconds of a step, by `step` (`apply`, `look`, `recount`, `mark`, `ask`, `note`).
pub const STEP_SECONDS: &str = "nova_projector_step_seconds";
/// Counter: steps that failed and are tried again, by `step`.
pub const STEP_RETRIES: &str = "nova_projector_step_retries_total";
/// Counter: posts recounted.
pub const RECOUNTED: &str = "nova_projector_recounted_posts_total";
/// Counter: counts that were newer than what Redis had.
pub const COUNTS_WRITTEN: &str = "nova_projector_counts_written_total";
/// Histogram: followers of an author with a new post.
pub const FANOUT: &str = "nova_projector_fanout_followers";
/// Counter: authors whose new posts marked nobody because of the cap.
pub const FANOUTS_CAPPED: &str = "nova_projector_fanouts_capped_total";
/// Counter: feeds marked stale.
pub const MARKED_STALE: &str = "nova_projector_marked_stale_total";
/// Counter: posts whose event counts were written.
pub const EVENT_COUNTS: &str = "nova_projector_event_counts_total";
/// Histogram: seconds from ClickHouse's recount of a post's events until they are in Redis.
pub const EVENTS_LAG_SECONDS: &str = "nova_projector_events_lag_seconds";
/// Counter: Redis lost what it had.
pub const REDIS_FLUSHES: &str = "nova_projector_redis_flushes_total";
/// Gauge: Kafka tables of ClickHouse of which a consumer is in no group; more than 0 for a minute means that changes stand still.
pub const CONSUMERS_IN_NO_GROUP: &str = "nova_projector_consumers_in_no_group";
/// Counter: consumers of ClickHouse that were made anew because they were in no group, by `table`.
pub const CONSUMERS_RESTARTED: &str = "nova_projector_consumers_restarted_total";
