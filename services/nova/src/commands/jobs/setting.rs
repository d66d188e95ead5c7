//! What the jobs work with, from the environment.

use std::sync::Arc;

use anyhow::Context as _;
use nova_cache::{Cache, CacheConfig};
use nova_feed::discovery::{Discovery, SuggestConfig};
use nova_feed::{CursorKey, FeedConfig, FeedService};
use nova_jobs::jobs::{
    CanaryFeed, FeedCacheWarmer, FreshnessProbe, HotPostGenerator, SuggestedUsersGenerator,
};
use nova_jobs::{Job, JobName, JobsConfig, Plan, Scheduler};
use nova_olap::{Olap, OlapConfig};
use nova_runtime::{
    AuthConfig, ClickHouseConfig, CursorConfig, Env, HealthCheck, PostgresConfig, RedisConfig,
};
use nova_social::{PoolConfig, Social};

use super::CHECK_DEADLINE;
use super::api_feed::ApiFeed;

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
    pub(super) fn from_env(env: &Env) -> anyhow::Result<Self> {
        let jobs = JobsConfig::from_env(env)?;
        let social = social(env)?;
        let clickhouse = ClickHouseConfig::from_env(env)?;
        let olap = OlapConfig::from_url(clickhouse.url.expose()).context("NOVA_CLICKHOUSE_URL")?;
        let olap = Olap::new(&olap);
        let redis = RedisConfig::from_env(env)?.url;
        let cache =
            Cache::new(&CacheConfig::new(redis.expose().clone())).context("NOVA_REDIS_URL")?;
        let config = FeedConfig::from_lookup(env.lookup())?;
        let discovery = Discovery {
            olap: olap.clone(),
            social: social.clone(),
            cache: Some(cache.clone()),
            formula: config.formula,
            suggest: SuggestConfig::from_lookup(env.lookup())?,
        };
        // Pages made ahead carry cursors, which the API has to know as its own.
        let auth = AuthConfig::from_env(env)?;
        let secret = CursorConfig::from_env(env, &auth)?.secret;
        let key = CursorKey::derive(secret.expose().as_bytes());
        let feed = FeedService::new(olap, social, Some(cache.clone()), config, key)?;
        Ok(Self {
            cache,
            feed,
            jobs,
            discovery,
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
        let (cache, olap) = (self.cache.clone(), self.discovery.olap.clone());
        vec![
            HealthCheck::informative("redis", CHECK_DEADLINE, move || {
                let cache = cache.clone();
                async move { cache.ping().await.map_err(|error| error.to_string()) }
            }),
            HealthCheck::informative("clickhouse", CHECK_DEADLINE, move || {
                let olap = olap.clone();
                async move {
                    let pong = olap.ping(CHECK_DEADLINE).await;
                    pong.map_err(|error| error.to_string())
                }
            }),
        ]
    }
}

fn social(env: &Env) -> anyhow::Result<Social> {
    let postgres = PostgresConfig::from_env(env)?;
    let pool = PoolConfig {
        max_connections: postgres.max_connections.min(MAX_CONNECTIONS),
        acquire_timeout: postgres.acquire_timeout,
        statement_timeout: postgres.statement_timeout,
        application_name: "nova jobs".to_owned(),
    }
    .connect_lazy(postgres.url.expose().as_str())
    .context("NOVA_POSTGRES_URL")?;
    let deadline = postgres.acquire_timeout + postgres.statement_timeout;
    Ok(Social::new(pool).with_deadline(deadline))
}
