//! The right to run a job.

use std::future::Future;
use std::time::Duration;

use nova_cache::{Cache, CacheError, JobLease};
use tokio::time::{Instant, sleep};

/// Who grants the right. [`Cache`] is the implementation; the seam is for tests of the scheduler's clock.
pub trait Leases: Send + Sync {
    /// Takes the right to run a job for `ttl`; none while somebody else has it.
    fn acquire(
        &self,
        job: &'static str,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<JobLease>, CacheError>> + Send;

    /// Prolongs it to `ttl` from now: whether it was still there.
    fn renew(
        &self,
        lease: &JobLease,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, CacheError>> + Send;

    /// Gives it back.
    fn release(&self, lease: JobLease) -> impl Future<Output = Result<(), CacheError>> + Send;
}

impl Leases for Cache {
    async fn acquire(
        &self,
        job: &'static str,
        ttl: Duration,
    ) -> Result<Option<JobLease>, CacheError> {
        self.acquire_job(job, ttl).await
    }

    async fn renew(&self, lease: &JobLease, ttl: Duration) -> Result<bool, CacheError> {
        self.renew_job(lease, ttl).await
    }

    async fn release(&self, lease: JobLease) -> Result<(), CacheError> {
        self.release_job(lease).await.map(drop)
    }
}

/// Looks after a lease three times in its life, and returns when it is lost: somebody else has it, or it could not be
/// renewed for as long as it lasts.
pub(crate) async fn lost(leases: &impl Leases, lease: &JobLease, ttl: Duration) {
    let mut valid_until = Instant::now() + ttl;
    loop {
        sleep(ttl / 3).await;
        let asked = Instant::now();
        match leases.renew(lease, ttl).await {
            Ok(true) => valid_until = asked + ttl,
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(job = lease.name, %error, "the lock could not be renewed");
                if Instant::now() >= valid_until {
                    return;
                }
            }
        }
    }
}
