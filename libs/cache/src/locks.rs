//! Locks that expire, and fences for what is written under them.
//!
//! A lock keeps two processes from doing the same work. It cannot keep a process that stood still from going on after
//! its lock has expired: what a job writes therefore carries the fence it was given, and an older fence writes nothing.

use std::time::Duration;

use nova_domain::UserId;
use redis::Value;
use uuid::Uuid;

use crate::batch::{Batch, wrote};
use crate::client::Cache;
use crate::error::CacheError;
use crate::metrics::Operation;
use crate::{keys, scripts, ttl};

/// The right to rank for a viewer, for [`ttl::RANK_LOCK`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankLock {
    viewer: UserId,
    token: Uuid,
}

/// The right to run a job, until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLease {
    /// The job.
    pub name: String,
    /// Proves that the lock is this lease's.
    pub token: Uuid,
    /// Greater than that of every lease of this job before: to be given with every write.
    pub fence: u64,
}

impl Cache {
    /// Takes the right to rank for a viewer; `None` when another process has it. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn try_rank_lock(&self, viewer: UserId) -> Result<Option<RankLock>, CacheError> {
        let token = Uuid::new_v4();
        let mut batch = Batch::default();
        batch.command("SET", keys::rank_lock(viewer), |set| {
            set.arg(token.to_string())
                .arg("NX")
                .arg("PX")
                .arg(millis(ttl::RANK_LOCK));
        });
        let answers = self.write(Operation::LOCK, batch).await?;
        let taken = matches!(answers.first(), Some(Value::Okay));
        Ok(taken.then_some(RankLock { viewer, token }))
    }

    /// Gives it back, unless it has expired. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer; the lock then expires by itself.
    pub async fn release_rank_lock(&self, lock: RankLock) -> Result<(), CacheError> {
        self.release(keys::rank_lock(lock.viewer), lock.token)
            .await
            .map(drop)
    }

    /// Takes the right to run a job for `ttl` (see [`ttl::job_lock`]); `None` when another process has it. One round
    /// trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer. The lock may have been taken, and then expires by itself.
    pub async fn acquire_job(
        &self,
        name: &str,
        ttl: Duration,
    ) -> Result<Option<JobLease>, CacheError> {
        let token = Uuid::new_v4();
        let mut batch = Batch::default();
        let (lock, fence) = (keys::job_lock(name), keys::job_fence(name));
        let arguments = (token.to_string(), millis(ttl));
        batch.script_with(&scripts::ACQUIRE_JOB, lock, fence, arguments);
        let answers = self.write(Operation::LOCK, batch).await?;
        let Some(Value::BulkString(fence)) = answers.first() else {
            return Ok(None);
        };
        let fence = crate::reply::parse(fence).map_err(|reason| CacheError::Corrupt {
            what: "fence",
            reason,
        })?;
        Ok(Some(JobLease {
            name: name.to_owned(),
            token,
            fence,
        }))
    }

    /// Prolongs a lease to `ttl` from now: `false` when it has expired, and the job must stop. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn renew_job(&self, lease: &JobLease, ttl: Duration) -> Result<bool, CacheError> {
        let mut batch = Batch::default();
        let arguments = (lease.token.to_string(), millis(ttl));
        batch.script(&scripts::RENEW, keys::job_lock(&lease.name), arguments);
        let answers = self.write(Operation::LOCK, batch).await?;
        Ok(answers.first().is_some_and(wrote))
    }

    /// Gives a lease back: `false` when it had expired. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer; the lease then expires by itself.
    pub async fn release_job(&self, lease: JobLease) -> Result<bool, CacheError> {
        self.release(keys::job_lock(&lease.name), lease.token).await
    }

    async fn release(&self, key: String, token: Uuid) -> Result<bool, CacheError> {
        let mut batch = Batch::default();
        batch.script(&scripts::RELEASE, key, token.to_string());
        let answers = self.write(Operation::LOCK, batch).await?;
        Ok(answers.first().is_some_and(wrote))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
