//! What a load through the change stream leaves to others: events go to Kafka, and all is waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nova_olap::Olap;
use nova_olap::load::{FACTS_OF_EVENTS, count_facts};
use nova_social::load::{CopyTable, Loader};
use nova_stream::{EventProducer, PublishError, StoredEvent};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::error::BulkError;
use super::model::Model;
use super::parts::parts;
use super::progress::Progress;

/// Events of one batch: a tenth of what the producer's queue holds.
const BATCH: u64 = 10_000;

/// How often a full queue, or a Kafka that does not answer, is tried again, with growing pauses.
const TRIES: u32 = 8;

/// Between two looks at ClickHouse.
const LOOK: Duration = Duration::from_secs(2);

/// How long nothing may arrive.
const PATIENCE: Duration = Duration::from_secs(180);

/// Publishes every event, in any run of a load: each has its id, so that one that comes twice counts once.
pub(super) async fn events(
    producer: &EventProducer,
    model: &Arc<Model>,
    progress: &mut Progress,
) -> Result<(), BulkError> {
    let mut step = progress.begin("events", model.size().events);
    let cut = Arc::clone(model);
    let batches =
        spawn_blocking(move || parts(cut.size().posts, BATCH, |post| cut.event_count(post)))
            .await?;
    for range in batches {
        let model = Arc::clone(model);
        let rows = spawn_blocking(move || model.events(range)).await?;
        for batch in rows.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
            publish(producer, batch).await?;
            progress.advance(&mut step, batch.len() as u64);
        }
    }
    progress.end(&step);
    Ok(())
}

async fn publish(producer: &EventProducer, batch: &[StoredEvent]) -> Result<(), PublishError> {
    let mut pause = Duration::from_millis(100);
    for _ in 1..TRIES {
        match producer.publish(batch.to_vec()).await {
            Err(PublishError::QueueFull | PublishError::Unavailable(_)) => sleep(pause).await,
            done => return done,
        }
        pause *= 2;
    }
    producer.publish(batch.to_vec()).await
}

/// Waits until ClickHouse has as many rows of every table as PostgreSQL, and `events` events.
pub(super) async fn carried(
    loader: &mut Loader,
    olap: &Olap,
    events: u64,
    progress: &mut Progress,
) -> Result<(), BulkError> {
    let mut expected = vec![(FACTS_OF_EVENTS, events)];
    for (table, facts) in [
        (CopyTable::Posts, "posts_cdc"),
        (CopyTable::Follows, "follows_cdc"),
        (CopyTable::Likes, "likes_cdc"),
        (CopyTable::Comments, "comments_cdc"),
    ] {
        expected.push((facts, loader.count(table).await?));
    }
    let all: u64 = expected.iter().map(|(_, rows)| rows).sum();
    let mut step = progress.begin("carried to clickhouse", all);
    let mut before = 0;
    let mut moved = Instant::now();
    loop {
        let mut there = 0;
        let mut behind = None;
        for (table, rows) in &expected {
            let found = count_facts(olap, table).await?;
            there += found.min(*rows);
            if found < *rows {
                behind = Some((*table, found, *rows));
            }
        }
        progress.advance(&mut step, there.saturating_sub(before));
        let Some((table, found, expected)) = behind else {
            progress.end(&step);
            return Ok(());
        };
        if there > before {
            (before, moved) = (there, Instant::now());
        } else if moved.elapsed() > PATIENCE {
            return Err(BulkError::StandsStill {
                table,
                found,
                expected,
            });
        }
        sleep(LOOK).await;
    }
}
