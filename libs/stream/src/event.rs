//! A client event as it stands on the `events` topic.

use chrono::{DateTime, SecondsFormat, Utc};
use nova_domain::{EventId, EventType, PostId, UserId};
use serde::{Deserialize, Serialize, Serializer};

/// What the API accepted of a client's event: who comes from the token, whose post from PostgreSQL, and the client's
/// clock is clamped. One JSON object a message, keyed by the post, so that a post's events stay in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Deduplication key, made by the client.
    pub event_id: EventId,
    /// Who it happened to: the `sub` of the token.
    pub user_id: UserId,
    /// What happened.
    pub event_type: EventType,
    /// The post.
    pub post_id: PostId,
    /// The post's author.
    pub author_id: UserId,
    /// Milliseconds on the screen.
    pub dwell_ms: Option<u32>,
    /// When it happened, clamped to the last seven days; milliseconds on the wire.
    #[serde(serialize_with = "rfc3339_millis")]
    pub occurred_at: DateTime<Utc>,
    /// When Nova took it; milliseconds on the wire.
    #[serde(serialize_with = "rfc3339_millis")]
    pub received_at: DateTime<Utc>,
}

fn rfc3339_millis<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

impl StoredEvent {
    /// The message key: the post, so that one partition holds all events of a post.
    #[must_use]
    pub fn key(&self) -> String {
        self.post_id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_flat_json() {
        let event = StoredEvent {
            event_id: "0190b5a0-0000-7000-8000-0000000000e1".parse().unwrap(),
            user_id: "0190b5a0-0000-7000-8000-000000000001".parse().unwrap(),
            event_type: EventType::Dwell,
            post_id: "0190b5a0-0000-7000-8000-0000000000b1".parse().unwrap(),
            author_id: "0190b5a0-0000-7000-8000-000000000002".parse().unwrap(),
            dwell_ms: Some(1_500),
            occurred_at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
            received_at: DateTime::from_timestamp_millis(1_700_000_001_000).unwrap(),
        };
        insta::assert_json_snapshot!(event, @r#"
        {
          "event_id": "0190b5a0-0000-7000-8000-0000000000e1",
          "user_id": "0190b5a0-0000-7000-8000-000000000001",
          "event_type": "dwell",
          "post_id": "0190b5a0-0000-7000-8000-0000000000b1",
          "author_id": "0190b5a0-0000-7000-8000-000000000002",
          "dwell_ms": 1500,
          "occurred_at": "2023-11-14T22:13:20.123Z",
          "received_at": "2023-11-14T22:13:21.000Z"
        }
        "#);
        let back: StoredEvent =
            serde_json::from_value(serde_json::to_value(&event).unwrap()).unwrap();
        assert_eq!(back, event);
    }
}
