//! `SuggestedUsersGenerator`: makes `suggest:users:{user}` for the active users, before they ask.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::Utc;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use nova_cache::Cache;
use nova_domain::UserId;
use nova_feed::discovery::{Discovery, generate_suggestions};
use tokio::time::{Instant, sleep};

use crate::config::UsersConfig;
use crate::error::JobError;
use crate::job::{Job, JobFuture, JobName};
use crate::jobs::ACTIVE_HOURS;
use crate::run::Run;

/// How long the sources of one user's list may take. A request gives them less.
const SOURCES: Duration = Duration::from_secs(5);

/// After a list the job rests for so many times what it took: it leaves four fifths of a processor to requests.
const RESTS: u32 = 4;

/// The part of the time left that the job plans with.
const PLANNED: f64 = 0.8;

/// Computes the suggestions of the users with most events of the last 24 hours, the most active first, a few at
/// once, in no more haste than its deadline asks for.
#[derive(Debug)]
pub struct SuggestedUsersGenerator {
    discovery: Discovery,
    cache: Cache,
    config: UsersConfig,
}

impl SuggestedUsersGenerator {
    /// Takes what suggestions are made of, and Redis.
    #[must_use]
    pub fn new(discovery: Discovery, cache: Cache, config: UsersConfig) -> Self {
        Self {
            discovery,
            cache,
            config,
        }
    }

    async fn generate(&self, run: &Run) -> Result<(), JobError> {
        let users = self
            .discovery
            .olap
            .most_active_users(Utc::now(), ACTIVE_HOURS, self.config.users, run.left())
            .await?;
        let incomplete = AtomicUsize::new(0);
        let waiting = AtomicUsize::new(users.len());
        stream::iter(users)
            .map(|user| self.take_turn(user.user_id, run, &waiting, &incomplete))
            .buffer_unordered(self.config.concurrency)
            .try_collect::<()>()
            .await?;
        match incomplete.into_inner() {
            0 => Ok(()),
            incomplete if run.items() == 0 => Err(JobError::Incomplete { incomplete }),
            incomplete => {
                run.remark(format!("{incomplete} lists were given up"));
                Ok(())
            }
        }
    }

    /// One list, and the rest after it.
    async fn take_turn(
        &self,
        user: UserId,
        run: &Run,
        waiting: &AtomicUsize,
        incomplete: &AtomicUsize,
    ) -> Result<(), JobError> {
        let started = Instant::now();
        self.generate_one(user, run, incomplete).await?;
        let waiting = waiting.fetch_sub(1, Ordering::Relaxed) - 1;
        sleep(rest(started.elapsed(), run.left(), waiting)).await;
        Ok(())
    }

    /// A list that lacks a source is given up: what is there may be better. PostgreSQL or Redis failing ends the run.
    async fn generate_one(
        &self,
        user: UserId,
        run: &Run,
        incomplete: &AtomicUsize,
    ) -> Result<(), JobError> {
        let deadline = SOURCES.min(run.left());
        let generated = generate_suggestions(&self.discovery, user, Utc::now(), deadline).await?;
        if !generated.left_out.is_empty() {
            incomplete.fetch_add(1, Ordering::Relaxed);
        } else if generated.is_worth_keeping() {
            let list = generated.suggestions();
            self.cache.store_suggestions(user, &list).await?;
            run.wrote(1);
        }
        Ok(())
    }
}

/// How long to rest after a list that took so long, when so many are still to be made.
fn rest(took: Duration, left: Duration, waiting: usize) -> Duration {
    let Some(waiting) = u32::try_from(waiting).ok().filter(|waiting| *waiting > 0) else {
        return Duration::ZERO;
    };
    let share = left.mul_f64(PLANNED) / waiting;
    (took * RESTS).min(share.saturating_sub(took))
}

impl Job for SuggestedUsersGenerator {
    fn name(&self) -> JobName {
        JobName::SuggestedUsersGenerator
    }

    fn run<'a>(&'a self, run: &'a Run) -> JobFuture<'a> {
        Box::pin(self.generate(run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_four_times_the_work_unless_time_is_short() {
        let millis = Duration::from_millis;
        assert_eq!(rest(millis(50), millis(240_000), 100), millis(200));
        assert_eq!(rest(millis(50), millis(10_000), 100), millis(30));
        assert_eq!(rest(millis(50), millis(1_000), 100), Duration::ZERO);
        assert_eq!(rest(millis(50), millis(240_000), 0), Duration::ZERO);
    }
}
