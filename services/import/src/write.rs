//! One batch of rows to PostgreSQL or Kafka, with an answer for each row.

use std::time::Duration;

use nova_social::bulk::{Bulk, Mode, Outcome};
use nova_stream::{EventProducer, PublishError, StoredEvent};
use tokio::time::sleep;

use crate::options::ImportError;
use crate::row::{EventRow, Kind, Row};

/// Tries of a batch of events, with a growing pause between them.
const PUBLISH_TRIES: u32 = 6;

/// The two ends that rows go to.
pub(crate) struct Writer {
    pub bulk: Bulk,
    pub events: Option<EventProducer>,
}

macro_rules! all {
    ($rows:expr, $variant:path) => {
        $rows
            .into_iter()
            .filter_map(|row| match row {
                $variant(row) => Some(row),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
}

impl Writer {
    /// All rows are of this kind; the answers come in their order.
    pub(crate) async fn write(
        &self,
        kind: Kind,
        mode: Mode,
        rows: Vec<Row>,
    ) -> Result<Vec<Outcome>, ImportError> {
        let bulk = &self.bulk;
        Ok(match kind {
            Kind::Users => bulk.users(mode, &all!(rows, Row::User)).await?,
            Kind::Follows => bulk.follows(mode, &all!(rows, Row::Follow)).await?,
            Kind::Posts => bulk.posts(mode, &all!(rows, Row::Post)).await?,
            Kind::Likes => bulk.likes(mode, &all!(rows, Row::Like)).await?,
            Kind::Comments => bulk.comments(mode, &all!(rows, Row::Comment)).await?,
            Kind::Events => self.events(mode, &all!(rows, Row::Event)).await?,
        })
    }

    async fn events(&self, mode: Mode, rows: &[EventRow]) -> Result<Vec<Outcome>, ImportError> {
        let pairs: Vec<_> = rows.iter().map(|r| (r.post_id, r.user_id)).collect();
        let targets = self.bulk.event_targets(&pairs).await?;
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut stored = Vec::new();
        for (row, target) in rows.iter().zip(targets) {
            outcomes.push(match target.author_id {
                None => Outcome::MissingPost,
                Some(_) if !target.user_known => Outcome::MissingUser,
                Some(author_id) => {
                    stored.push(StoredEvent {
                        event_id: row.event_id,
                        user_id: row.user_id,
                        event_type: row.event_type,
                        post_id: row.post_id,
                        author_id,
                        dwell_ms: row.dwell_ms,
                        occurred_at: row.occurred_at,
                        // Not now: a repeated import sends the same bytes.
                        received_at: row.occurred_at,
                    });
                    Outcome::Written
                }
            });
        }
        if mode == Mode::Write {
            self.publish(stored).await?;
        }
        Ok(outcomes)
    }

    async fn publish(&self, events: Vec<StoredEvent>) -> Result<(), ImportError> {
        let producer = self.events.as_ref().ok_or(ImportError::NoKafka)?;
        let mut pause = Duration::from_millis(100);
        for _ in 1..PUBLISH_TRIES {
            match producer.publish(events.clone()).await {
                Ok(()) => return Ok(()),
                Err(PublishError::QueueFull | PublishError::Unavailable(_)) => sleep(pause).await,
                Err(error) => return Err(error.into()),
            }
            pause *= 2;
        }
        Ok(producer.publish(events).await?)
    }
}
