//! Whether a ranking that is kept still counts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_cache::ViewerRow;

use crate::answer::SnapshotId;
use crate::config::FeedConfig;

/// What the newest ranking of a viewer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It counts.
    Fresh(SnapshotId),
    /// It may be shown while a new one is made.
    Aging(SnapshotId),
    /// It does not count any more, or there is none.
    Old(Option<SnapshotId>),
}

impl Freshness {
    /// By the viewer's row in Redis.
    pub(crate) fn of(row: Option<&ViewerRow>, now: DateTime<Utc>, config: &FeedConfig) -> Self {
        let Some(row) = row else {
            return Self::Old(None);
        };
        let (Some(id), Some(generated)) = (row.fresh, Self::standing_ms(row)) else {
            return Self::Old(row.fresh.map(SnapshotId::new));
        };
        let id = SnapshotId::new(id);
        // A ranking of a clock ahead of ours is new.
        let age = now.timestamp_millis().saturating_sub(generated).max(0);
        let age = Duration::from_millis(age.unsigned_abs());
        if age < config.fresh {
            Self::Fresh(id)
        } else if age < config.fresh + config.stale {
            Self::Aging(id)
        } else {
            Self::Old(Some(id))
        }
    }

    /// When the newest ranking was made (ms since 1970), if nothing but its age makes it out of date.
    pub(crate) fn standing_ms(row: &ViewerRow) -> Option<i64> {
        let generated = row.generated_ms?;
        // Within the same millisecond the ranking may have missed what made it stale.
        let stands = row.fresh.is_some() && row.stale_ms.is_none_or(|stale| stale < generated);
        stands.then_some(generated)
    }

    /// Whether a ranking of this age that still counts will soon not: the time to make the next one.
    pub(crate) fn ends_soon(age_ms: u64, config: &FeedConfig) -> bool {
        let ahead = config.ahead.min(config.fresh / 2);
        Duration::from_millis(age_ms) >= config.fresh.saturating_sub(ahead)
    }

    /// The newest ranking, whatever it is worth.
    pub(crate) const fn last(self) -> Option<SnapshotId> {
        match self {
            Self::Fresh(id) | Self::Aging(id) => Some(id),
            Self::Old(id) => id,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const AT: i64 = 1_800_000_000_000;

    fn row(stale_ms: Option<i64>) -> ViewerRow {
        ViewerRow {
            fresh: Some(Uuid::from_u128(1)),
            generated_ms: Some(AT),
            stale_ms,
            ..ViewerRow::default()
        }
    }

    fn after(ms: i64, row: &ViewerRow) -> Freshness {
        let now = DateTime::from_timestamp_millis(AT + ms).unwrap();
        Freshness::of(Some(row), now, &FeedConfig::default())
    }

    #[test]
    fn a_ranking_is_fresh_for_60_s_then_served_for_30_s() {
        let id = SnapshotId::new(Uuid::from_u128(1));
        for (ms, expected) in [
            (-5_000, Freshness::Fresh(id)),
            (0, Freshness::Fresh(id)),
            (59_999, Freshness::Fresh(id)),
            (60_000, Freshness::Aging(id)),
            (89_999, Freshness::Aging(id)),
            (90_000, Freshness::Old(Some(id))),
        ] {
            assert_eq!(after(ms, &row(None)), expected, "{ms}");
        }
    }

    #[test]
    fn the_next_ranking_is_made_in_the_last_sixth_and_never_in_the_first_half() {
        let config = FeedConfig::default();
        assert!(!Freshness::ends_soon(49_999, &config));
        assert!(Freshness::ends_soon(50_000, &config));
        let short = FeedConfig {
            fresh: Duration::from_secs(2),
            ..config
        };
        assert!(!Freshness::ends_soon(999, &short));
        assert!(Freshness::ends_soon(1_000, &short));
    }

    #[test]
    fn an_invalidation_counts_from_its_own_millisecond_on() {
        let id = SnapshotId::new(Uuid::from_u128(1));
        assert_eq!(after(10, &row(Some(AT - 1))), Freshness::Fresh(id));
        assert_eq!(after(10, &row(Some(AT))), Freshness::Old(Some(id)));
        assert_eq!(after(10, &row(Some(AT + 5))), Freshness::Old(Some(id)));
    }

    #[test]
    fn a_ranking_stands_until_something_changes() {
        assert_eq!(Freshness::standing_ms(&row(None)), Some(AT));
        assert_eq!(Freshness::standing_ms(&row(Some(AT - 1))), Some(AT));
        assert_eq!(Freshness::standing_ms(&row(Some(AT))), None);
        assert_eq!(Freshness::standing_ms(&ViewerRow::default()), None);
    }

    #[test]
    fn without_a_ranking_nothing_is_fresh() {
        let now = DateTime::from_timestamp_millis(AT).unwrap();
        let config = FeedConfig::default();
        assert_eq!(Freshness::of(None, now, &config), Freshness::Old(None));
        let empty = ViewerRow::default();
        assert_eq!(
            Freshness::of(Some(&empty), now, &config),
            Freshness::Old(None)
        );
    }
}
