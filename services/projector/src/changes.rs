//! The loop that follows the change topics: reads, begins steps, takes in how they went, stores offsets.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::stream::{FuturesUnordered, StreamExt as _};
use nova_runtime::Shutdown;
use nova_stream::change::{self, Message};
use nova_stream::{Record, TopicReader, topics};
use tokio::time::Instant;

use crate::config::ProjectorConfig;
use crate::error::ProjectorError;
use crate::metrics as names;
use crate::pending::{Done, Pending};
use crate::steps::Servers;

/// The consumer group.
const GROUP: &str = "nova-projector";

const TOPICS: [&str; 5] = [
    topics::CDC_POSTS,
    topics::CDC_FOLLOWS,
    topics::CDC_COMMENTS,
    topics::CDC_LIKES,
    topics::HEARTBEAT,
];

/// How long what is under way may take after the signal to stop. What is left is read again.
const DRAIN: Duration = Duration::from_secs(5);

/// Follows the topics until the signal to stop.
///
/// # Errors
/// [`ProjectorError::Stream`] when the consumer cannot be made or fails for good.
pub(crate) async fn run(
    config: &ProjectorConfig,
    servers: Servers,
    shutdown: &Shutdown,
) -> Result<(), ProjectorError> {
    let mut reader = TopicReader::subscribe(&config.brokers, GROUP, &TOPICS)?;
    let mut pending = Pending::new();
    let mut steps = FuturesUnordered::new();
    let mut drain_ends = None;
    loop {
        let now = Instant::now();
        for step in pending.steps(now) {
            steps.push(step.run(servers.clone()));
        }
        if done(&mut pending, &mut reader)? {
            continue;
        }
        if drain_ends.is_some_and(|end| pending.is_drained() || now >= end) {
            break;
        }
        let wakes = pending.wakes(now);
        tokio::select! {
            () = shutdown.requested(), if drain_ends.is_none() => {
                drain_ends = Some(Instant::now() + DRAIN);
                pending.drain(Instant::now());
            }
            Some(outcome) = steps.next(), if !steps.is_empty() => {
                let jitter = || rand::random::<f64>();
                pending.finish(outcome, Instant::now(), Utc::now(), jitter);
            }
            batch = reader.next_batch(config.batch), if drain_ends.is_none() => {
                take(&mut pending, batch?);
                pause_or_resume(&mut reader, &pending, config);
            }
            () = tokio::time::sleep_until(wakes.min(drain_ends.unwrap_or(wakes))) => {}
        }
        if reader.is_paused() {
            pause_or_resume(&mut reader, &pending, config);
        }
        tell_sizes(&pending);
    }
    tracing::info!(left = pending.len(), "the projector stops");
    reader.close().await;
    Ok(())
}

fn take(pending: &mut Pending, batch: Vec<Record>) {
    metrics::histogram!(names::BATCH_RECORDS).record(batch.len() as f64);
    let (now, at) = (Instant::now(), Utc::now());
    for record in batch {
        let topic = Arc::clone(&record.position.topic);
        match change::decode(&topic, &record.value) {
            Ok(message) => {
                let source_ms = match &message {
                    Message::Change(change) => change.source_ms,
                    Message::Heartbeat { source_ms } => Some(*source_ms),
                };
                tell_lag(names::ARRIVAL_LAG_SECONDS, &topic, source_ms, at);
                pending.take(record.position, message, now);
            }
            Err(error) => {
                metrics::counter!(names::UNDECODABLE, "topic" => topic.to_string()).increment(1);
                let (partition, offset) = (record.position.partition, record.position.offset);
                tracing::warn!(%topic, partition, offset, %error, "a record says nothing");
                pending.skip(record.position);
            }
        }
    }
}

/// Stores how far the group may go on. Says whether something was done.
fn done(pending: &mut Pending, reader: &mut TopicReader) -> Result<bool, ProjectorError> {
    let done = pending.take_done();
    if done.is_empty() {
        return Ok(false);
    }
    let at = Utc::now();
    for Done {
        position,
        source_ms,
    } in &done
    {
        let topic = &position.topic;
        metrics::counter!(names::PROJECTED, "topic" => topic.to_string()).increment(1);
        tell_lag(names::LAG_SECONDS, topic, *source_ms, at);
    }
    reader.done_with(done.iter().map(|one| &one.position))?;
    Ok(true)
}

fn pause_or_resume(reader: &mut TopicReader, pending: &Pending, config: &ProjectorConfig) {
    let under_way = pending.len().max(reader.unfinished());
    if !reader.is_paused() && under_way >= config.max_pending {
        reader.pause();
        metrics::gauge!(names::PAUSED).set(1.0);
    } else if reader.is_paused() && under_way <= config.max_pending / 2 {
        reader.resume();
        metrics::gauge!(names::PAUSED).set(0.0);
    }
}

fn tell_lag(metric: &'static str, topic: &str, source_ms: Option<i64>, at: DateTime<Utc>) {
    if let Some(source_ms) = source_ms {
        let lag = at.timestamp_millis().saturating_sub(source_ms).max(0);
        let lag = Duration::from_millis(lag.unsigned_abs());
        metrics::histogram!(metric, "topic" => topic.to_owned()).record(lag.as_secs_f64());
    }
}

fn tell_sizes(pending: &Pending) {
    let sizes = pending.sizes();
    metrics::gauge!(names::PENDING_RECORDS).set(sizes.records as f64);
    metrics::gauge!(names::PENDING_FACTS).set(sizes.facts as f64);
    metrics::gauge!(names::PENDING_POSTS).set(sizes.posts as f64);
}
