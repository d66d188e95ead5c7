//! How long each key lives.

use std::time::Duration;

use rand::Rng as _;

/// A page, at most; see [`page_jittered`].
pub const PAGE: Duration = Duration::from_secs(60);
/// A page, at least.
pub const PAGE_AT_LEAST: Duration = Duration::from_secs(54);
/// A ranking, and what is known of its viewer.
pub const SNAPSHOT: Duration = Duration::from_secs(600);
/// What a viewer did lately: longer than a ranking that knows nothing of it.
pub const OVERLAY: Duration = Duration::from_secs(660);
/// Counters of a post, from their last change.
pub const COUNTERS: Duration = Duration::from_secs(7 * 86_400);
/// What a post shows.
pub const BODY: Duration = Duration::from_secs(3_600);
/// Who is blocked, for when PostgreSQL is down.
pub const BLOCKS: Duration = Duration::from_secs(86_400);
/// The hot posts: one of their jobs may fail before they are gone.
pub const HOT: Duration = Duration::from_secs(120);
/// The users suggested to a viewer.
pub const SUGGEST: Duration = Duration::from_secs(900);
/// The lock of a ranking: a little more than the budget of a request.
pub const RANK_LOCK: Duration = Duration::from_secs(1);
/// How far the pipeline is.
pub const PIPELINE_SEEN: Duration = Duration::from_secs(3_600);
/// The fence of a key's last write: longer than any lease.
pub const WRITE_FENCE: Duration = Duration::from_secs(86_400);

/// The lock of a job that ends at `deadline` from now.
#[must_use]
pub fn job_lock(deadline: Duration) -> Duration {
    deadline + Duration::from_secs(5)
}

/// The life of one page, 54 to 60 s: pages written together are not made again together.
#[must_use]
pub fn page_jittered() -> Duration {
    rand::rng().random_range(PAGE_AT_LEAST..=PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_life_of_the_contract() {
        let seconds = [
            (PAGE, 60),
            (SNAPSHOT, 600),
            (OVERLAY, 660),
            (COUNTERS, 604_800),
            (BODY, 3_600),
            (BLOCKS, 86_400),
            (HOT, 120),
            (SUGGEST, 900),
            (RANK_LOCK, 1),
            (PIPELINE_SEEN, 3_600),
            (job_lock(Duration::from_secs(30)), 35),
        ];
        for (life, expected) in seconds {
            assert_eq!(life, Duration::from_secs(expected));
        }
        assert!(OVERLAY > SNAPSHOT);
    }

    #[test]
    fn pages_live_for_54_to_60_seconds_and_not_all_alike() {
        let lives: Vec<_> = (0..1_000).map(|_| page_jittered()).collect();
        assert!(
            lives
                .iter()
                .all(|life| (PAGE_AT_LEAST..=PAGE).contains(life))
        );
        let (least, most) = (lives.iter().min().unwrap(), lives.iter().max().unwrap());
        assert!(
            *most - *least > Duration::from_secs(3),
            "{least:?}..{most:?}"
        );
    }
}
