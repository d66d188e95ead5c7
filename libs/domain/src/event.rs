//! What a client reports about a viewer in front of a post.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{EventId, PostId};
use crate::post::words;

/// The oldest client time accepted, in days; older ones are clamped to it.
pub const MAX_CLOCK_AGE_DAYS: i64 = 7;

/// The longest dwell accepted, in milliseconds (one day).
pub const MAX_DWELL_MS: u32 = 86_400_000;

words! {
    /// The kind of a client event.
    EventType {
        /// The post was on the screen.
        Impression = "impression",
        /// Its video was played.
        View = "view",
        /// It stayed on the screen for `dwell_ms`.
        Dwell = "dwell",
        /// It was shared.
        Share = "share",
        /// It was opened.
        Click = "click",
    } "impression, view, dwell, share, click"
}

/// One event as a client sends it. Who saw it comes from the token, never from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientEvent {
    /// Deduplication key, made by the client.
    pub event_id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The post it happened to.
    pub post_id: PostId,
    /// Milliseconds on the screen, 0 to [`MAX_DWELL_MS`]; for `dwell` (and optionally `view`).
    #[serde(default)]
    pub dwell_ms: Option<u32>,
    /// When, by the client's clock.
    pub occurred_at: DateTime<Utc>,
}

impl ClientEvent {
    /// The client's time, not later than `now` and not older than [`MAX_CLOCK_AGE_DAYS`].
    #[must_use]
    pub fn clamped_time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.occurred_at
            .clamp(now - TimeDelta::days(MAX_CLOCK_AGE_DAYS), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_clocks_are_clamped() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let at = |t| ClientEvent {
            event_id: EventId::generate(),
            event_type: EventType::View,
            post_id: PostId::generate(),
            dwell_ms: None,
            occurred_at: t,
        };
        assert_eq!(at(now + TimeDelta::hours(3)).clamped_time(now), now);
        assert_eq!(
            at(now - TimeDelta::days(400)).clamped_time(now),
            now - TimeDelta::days(7)
        );
        let ok = now - TimeDelta::days(3);
        assert_eq!(at(ok).clamped_time(now), ok);
    }
}
