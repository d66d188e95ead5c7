//! `FreshnessProbe`: measures how long a like takes from PostgreSQL to somebody else's feed.

mod feed;
mod stage;

use std::time::Duration;

use ::metrics::{counter, gauge, histogram};
use nova_feed::discovery::canary::Canary;
use nova_social::Social;
use tokio::time::{Instant, sleep, timeout};

pub use feed::{CanaryFeed, PageFuture, ShownPost};

use self::feed::Watch;
use self::stage::Stage;
use crate::error::JobError;
use crate::job::{Job, JobFuture, JobName};
use crate::metrics;
use crate::run::Run;

/// How often the feed is read while a like is waited for: the resolution of what is measured. Below the rate that the API
/// grants one user.
const EVERY: Duration = Duration::from_millis(20);

/// How long the feed may take to show the post as it is before the like.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

/// Likes a post as one account, or takes the like back, and reads the feed of another until it shows that. The third
/// account wrote the post, for its followers only: nobody else ever sees any of them.
pub struct FreshnessProbe<F> {
    stage: Stage,
    feed: F,
    within: Duration,
}

impl<F> std::fmt::Debug for FreshnessProbe<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FreshnessProbe")
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}

impl<F: CanaryFeed> FreshnessProbe<F> {
    /// Takes PostgreSQL, whoever reads feeds, and how soon a like has to be visible.
    #[must_use]
    pub fn new(social: Social, feed: F, within: Duration) -> Self {
        Self {
            stage: Stage::new(social),
            feed,
            within,
        }
    }

    async fn probe(&self, run: &Run) -> Result<(), JobError> {
        let result = self.measure(run).await;
        let reason = match &result {
            Ok(took) => {
                histogram!(metrics::PROBE_SECONDS).record(*took);
                gauge!(metrics::PROBE_LAST).set(took.as_secs_f64());
                run.wrote(1);
                run.remark(format!("a like was visible after {} ms", took.as_millis()));
                return Ok(());
            }
            Err(JobError::Invisible { .. }) => "late",
            Err(JobError::ProbePost { .. }) => "missing",
            Err(_) => "error",
        };
        counter!(metrics::PROBE_FAILURES, "reason" => reason).increment(1);
        result.map(drop)
    }

    async fn measure(&self, _run: &Run) -> Result<Duration, JobError> {
        let post = self.stage.set().await?;
        let liked = self.stage.is_liked(post).await?;
        let mut watch = Watch::new(&self.feed, Canary::Viewer.id(), post);
        // Nobody else can like it. What an earlier run did has to have arrived before something new is waited for.
        self.settle(&mut watch, u64::from(liked)).await?;

        let began = Instant::now();
        self.stage.set_liked(post, !liked).await?;
        let within = self.within;
        let seen = timeout(within, self.until(&mut watch, u64::from(!liked)));
        match seen.await {
            Ok(seen) => seen.map(|()| began.elapsed()),
            Err(_) => Err(JobError::Invisible { within }),
        }
    }

    async fn settle(&self, watch: &mut Watch<'_, F>, likes: u64) -> Result<(), JobError> {
        let within = SETTLED_WITHIN;
        match timeout(within, self.until(watch, likes)).await {
            Ok(settled) => settled,
            Err(_) => Err(JobError::ProbePost {
                state: match watch.last() {
                    Some(_) => "still has another count",
                    None => "is not in the feed",
                },
                within,
            }),
        }
    }

    async fn until(&self, watch: &mut Watch<'_, F>, likes: u64) -> Result<(), JobError> {
        while watch.look().await? != Some(likes) {
            sleep(EVERY).await;
        }
        Ok(())
    }
}

impl<F: CanaryFeed> Job for FreshnessProbe<F> {
    fn name(&self) -> JobName {
        JobName::FreshnessProbe
    }

    fn run<'a>(&'a self, run: &'a Run) -> JobFuture<'a> {
        Box::pin(self.probe(run))
    }
}

#[cfg(test)]
mod tests;
