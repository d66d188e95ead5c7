//! How often one user may ask.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use moka::sync::Cache;
use nova_domain::UserId;
use nova_runtime::ApiConfig;

/// A token bucket for each user. Bounded: past `NOVA_API_RATE_USERS` the least used buckets are forgotten, as are those
/// that have long been full; a forgotten bucket is a full one.
pub(crate) struct RateLimiter {
    buckets: Cache<UserId, Arc<DefaultDirectRateLimiter>>,
    quota: Quota,
    clock: DefaultClock,
}

impl RateLimiter {
    pub(crate) fn new(config: &ApiConfig) -> Self {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let (rate, burst) = (
            at_least_one(config.rate_per_second),
            at_least_one(config.rate_burst),
        );
        let refill = Duration::from_secs_f64(f64::from(burst.get()) / f64::from(rate.get()));
        Self {
            buckets: Cache::builder()
                .max_capacity(config.rate_users)
                .time_to_idle(refill + Duration::from_secs(1))
                .build(),
            quota: Quota::per_second(rate).allow_burst(burst),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of `user`.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub(crate) fn check(&self, user: UserId) -> Result<(), Duration> {
        let bucket = self.buckets.get_with(user, || {
            Arc::new(DefaultDirectRateLimiter::direct(self.quota))
        });
        bucket
            .check()
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }
}

impl std::fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter")
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use nova_runtime::Env;

    use super::*;

    fn limiter(users: &str) -> RateLimiter {
        let env = Env::from_pairs([
            ("NOVA_API_RATE_PER_SECOND", "1"),
            ("NOVA_API_RATE_BURST", "3"),
            ("NOVA_API_RATE_USERS", users),
        ]);
        RateLimiter::new(&ApiConfig::from_env(&env).unwrap())
    }

    #[test]
    fn each_user_has_a_bucket_of_their_own() {
        let limiter = limiter("1000");
        let (ada, bob) = (UserId::generate(), UserId::generate());
        for _ in 0..3 {
            assert_eq!(limiter.check(ada), Ok(()));
        }
        let wait = limiter.check(ada).unwrap_err();
        assert!(
            wait <= Duration::from_secs(1) && wait > Duration::from_millis(500),
            "{wait:?}"
        );
        assert_eq!(limiter.check(bob), Ok(()));
    }

    #[test]
    fn the_memory_for_users_is_bounded() {
        let limiter = limiter("50");
        for _ in 0..5_000 {
            let _ = limiter.check(UserId::generate());
        }
        limiter.buckets.run_pending_tasks();
        assert!(
            limiter.buckets.entry_count() <= 50,
            "{}",
            limiter.buckets.entry_count()
        );
    }
}
