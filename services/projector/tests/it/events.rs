//! Client events: counted by ClickHouse, written within seconds.

use nova_domain::{EventId, EventType, PostId, UserId};
use nova_stream::{EventProducer, ProducerConfig, StoredEvent};

use crate::bench::Bench;

fn event(event_type: EventType, post_id: PostId) -> StoredEvent {
    let now = chrono::Utc::now();
    StoredEvent {
        event_id: EventId::generate(),
        user_id: UserId::generate(),
        event_type,
        post_id,
        author_id: UserId::generate(),
        dwell_ms: None,
        occurred_at: now,
        received_at: now,
    }
}

/// Impressions, views and shares follow within seconds, each once.
pub(crate) async fn impressions_views_and_shares(bench: &Bench) {
    let brokers = &bench.stack.endpoints().kafka;
    let producer = EventProducer::new(&ProducerConfig::new(brokers)).unwrap();
    let post = PostId::generate();
    let shared = event(EventType::Share, post);
    let mut events = vec![shared.clone(), shared, event(EventType::View, post)];
    events.extend((0..5).map(|_| event(EventType::Impression, post)));
    producer.publish(events).await.unwrap();
    for expected in [5, 6] {
        bench
            .until("the events", || async {
                let row = bench.row(post).await;
                let found = (row.impressions, row.views, row.shares);
                if found == (Some(expected), Some(1), Some(1)) {
                    Ok(())
                } else {
                    Err(format!("{found:?}"))
                }
            })
            .await;
        let one_more = vec![event(EventType::Impression, post)];
        producer.publish(one_more).await.unwrap();
    }
}
