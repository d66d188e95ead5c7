//! What the jobs work with, from the environment.

use std::sync::Arc;

use nova_cache::Cache;
use nova_feed::FeedService;
use nova_feed::discovery::Discovery;
use nova_jobs::jobs::{
    CanaryFeed, FeedCacheWarmer, FreshnessProbe, HotPostGenerator, SuggestedUsersGenerator,
};
use nova_jobs::{Job, JobName, JobsConfig, Plan, Scheduler};
use nova_olap::{Olap, Turns};
use nova_runtime::{AuthConfig, Env, HealthCheck};

use super::api_feed::ApiFeed;
use crate::commands::backends::Backends;
use crate::commands::checks;

/// A job asks one thing at a time, for a few users at once.
const MAX_CONNECTIONS: u32 = 8;

/// The servers, with connections of the jobs' own: they must not take those that requests wait for.
pub(super) struct Setting {
    pub(super) cache: Cache,
    pub(super) feed: FeedService,
    jobs: JobsConfig,
    discovery: Discovery,
    /// Whose feed the probe reads; none: the library's, in this process.
    api: Option<ApiFeed>,
}

impl Setting {
    pub(super) fn from_env(env: &Env, turns: &Turns) -> anyhow::Result<Self> {
        let jobs = JobsConfig::from_env(env)?;
        let auth = AuthConfig::from_env(env)?;
        let mut backends = Backends::from_env(env, "nova jobs", Some(MAX_CONNECTIONS), turns)?;
        backends.olap = backends.olap.giving_way(Olap::GIVES_WAY);
        Ok(Self {
            feed: backends.feed(env, &auth, None)?,
            discovery: backends.discovery(env)?,
            cache: backends.cache,
            jobs,
            api: ApiFeed::from_env(env, auth)?,
        })
    }

    /// Every job that is not switched off.
    pub(super) fn scheduler(&self) -> Scheduler<Cache> {
        JobName::ALL
            .into_iter()
            .map(|name| self.job(name))
            .filter(|(_, plan)| plan.enabled)
            .fold(
                Scheduler::new(self.cache.clone()),
                |scheduler, (job, plan)| scheduler.with(job, plan),
            )
    }

    pub(super) fn job(&self, name: JobName) -> (Arc<dyn Job>, Plan) {
        let jobs = &self.jobs;
        let (discovery, cache) = (self.discovery.clone(), self.cache.clone());
        match name {
            JobName::HotPostGenerator => {
                let job = HotPostGenerator::new(discovery, cache);
                (Arc::new(job), jobs.hot_posts)
            }
            JobName::SuggestedUsersGenerator => {
                let job = SuggestedUsersGenerator::new(discovery, cache, jobs.suggested_users);
                (Arc::new(job), jobs.suggested_users.plan)
            }
            JobName::FeedCacheWarmer => {
                let job =
                    FeedCacheWarmer::new(discovery.olap, cache, self.feed.clone(), jobs.warmer);
                (Arc::new(job), jobs.warmer.plan)
            }
            JobName::FreshnessProbe => {
                let feed: Box<dyn CanaryFeed> = match &self.api {
                    Some(api) => Box::new(api.clone()),
                    None => Box::new(self.feed.clone()),
                };
                let job = FreshnessProbe::new(discovery.social, feed, jobs.probe.within);
                (Arc::new(job), jobs.probe.plan)
            }
        }
    }

    /// Without Redis no job runs, but the process waits for it.
    pub(super) fn checks(&self) -> Vec<HealthCheck> {
        let olap = self.discovery.olap.clone();
        vec![checks::redis(self.cache.clone()), checks::clickhouse(olap)]
    }
}
