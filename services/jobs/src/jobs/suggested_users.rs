//! `SuggestedUsersGenerator`: makes `suggest:users:{user}` for the active users, before they ask.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

/// When time is short it rests for as long as a list took all the same: where lists take longer than there is time for, ClickHouse
/// has too much to do, and the least active users get none this time.
const FEWEST_RESTS: u32 = 1;

/// The part of the time left that the job plans with.
const PLANNED: f64 = 0.8;

/// Computes the suggestions of the users with most events of the last 24 hours, the most active first, a few at
/// once, in no more haste than its deadline asks for and never for more than half of the time.
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
        let progress = Progress::of(users.len());
        stream::iter(users)
            .map(|user| self.take_turn(user.user_id, run, &progress))
            .buffer_unordered(self.config.concurrency)
            .try_collect::<()>()
            .await?;
        let (incomplete, skipped) = (
            progress.incomplete.into_inner(),
            progress.skipped.into_inner(),
        );
        if incomplete > 0 && run.items() == 0 {
            return Err(JobError::Incomplete { incomplete });
        }
        let remarks = [(incomplete, "were given up"), (skipped, "had no time left")];
        let remarks = remarks.iter().filter(|(lists, _)| *lists > 0);
        let remarks: Vec<String> = remarks
            .map(|(lists, what)| format!("{lists} lists {what}"))
            .collect();
        if !remarks.is_empty() {
            run.remark(remarks.join(", "));
        }
        Ok(())
    }

    /// One list, and the rest after it; none when the last one took longer than there is time left.
    async fn take_turn(
        &self,
        user: UserId,
        run: &Run,
        progress: &Progress,
    ) -> Result<(), JobError> {
        let started = Instant::now();
        let last = Duration::from_micros(progress.last_micros.load(Ordering::Relaxed));
        if run.left() < last {
            progress.skipped.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        self.generate_one(user, run, &progress.incomplete).await?;
        let took = started.elapsed();
        let micros = took.as_micros().try_into().unwrap_or(u64::MAX);
        progress.last_micros.store(micros, Ordering::Relaxed);
        let waiting = progress.waiting.fetch_sub(1, Ordering::Relaxed) - 1;
        sleep(rest(took, run.left(), waiting)).await;
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

/// How far a run is.
struct Progress {
    /// Users who have had no turn yet.
    waiting: AtomicUsize,
    /// Lists that lacked a source.
    incomplete: AtomicUsize,
    /// Users for whom there was no time.
    skipped: AtomicUsize,
    /// How long the last list took.
    last_micros: AtomicU64,
}

impl Progress {
    fn of(users: usize) -> Self {
        Self {
            waiting: AtomicUsize::new(users),
            incomplete: AtomicUsize::new(0),
            skipped: AtomicUsize::new(0),
            last_micros: AtomicU64::new(0),
        }
    }
}

/// How long to rest after a list that took so long, when so many are still to be made.
fn rest(took: Duration, left: Duration, waiting: usize) -> Duration {
    let Some(waiting) = u32::try_from(waiting).ok().filter(|waiting| *waiting > 0) else {
        return Duration::ZERO;
    };
    let share = left.mul_f64(PLANNED) / waiting;
    let rest = (took * RESTS).min(share.saturating_sub(took));
    rest.max(took * FEWEST_RESTS).min(left)
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
    fn the_rest_is_four_times_the_work_and_as_long_as_it_when_time_is_short() {
        let millis = Duration::from_millis;
        assert_eq!(rest(millis(50), millis(240_000), 100), millis(200));
        assert_eq!(rest(millis(50), millis(15_000), 100), millis(70));
        assert_eq!(rest(millis(50), millis(1_000), 100), millis(50));
        assert_eq!(rest(millis(50), millis(20), 100), millis(20));
        assert_eq!(rest(millis(50), millis(240_000), 0), Duration::ZERO);
    }
}
