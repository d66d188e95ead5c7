//! The servers as the libraries know them, from the environment; nothing connects yet.

use anyhow::Context as _;
use nova_cache::{Cache, CacheConfig};
use nova_feed::discovery::{Discovery, SuggestConfig};
use nova_feed::{CursorKey, FeedConfig, FeedService};
use nova_olap::{Olap, OlapConfig};
use nova_runtime::{ClickHouseConfig, Env, PostgresConfig, RedisConfig};
use nova_social::{PoolConfig, Social};

/// What reads and ranks.
pub(crate) struct Backends {
    pub(crate) social: Social,
    pub(crate) olap: Olap,
    pub(crate) cache: Cache,
}

impl Backends {
    /// `name` is what PostgreSQL shows of the connections.
    pub(crate) fn from_env(env: &Env, name: &str) -> anyhow::Result<Self> {
        Ok(Self {
            social: social(env, name)?,
            olap: olap(env)?,
            cache: cache(env)?,
        })
    }

    /// The read path.
    pub(crate) fn feed(&self, env: &Env, key: CursorKey) -> anyhow::Result<FeedService> {
        Ok(FeedService::new(
            self.olap.clone(),
            self.social.clone(),
            Some(self.cache.clone()),
            FeedConfig::from_lookup(env.lookup())?,
            key,
        )?)
    }

    /// Suggested users and trending posts.
    pub(crate) fn discovery(&self, env: &Env) -> anyhow::Result<Discovery> {
        Ok(Discovery {
            olap: self.olap.clone(),
            social: self.social.clone(),
            cache: Some(self.cache.clone()),
            formula: FeedConfig::from_lookup(env.lookup())?.formula,
            suggest: SuggestConfig::from_lookup(env.lookup())?,
        })
    }
}

pub(crate) fn social(env: &Env, name: &str) -> anyhow::Result<Social> {
    let postgres = PostgresConfig::from_env(env)?;
    let pool = PoolConfig {
        max_connections: postgres.max_connections,
        acquire_timeout: postgres.acquire_timeout,
        statement_timeout: postgres.statement_timeout,
        application_name: name.to_owned(),
    }
    .connect_lazy(postgres.url.expose().as_str())
    .context("NOVA_POSTGRES_URL")?;
    Ok(Social::new(pool).with_deadline(postgres.acquire_timeout + postgres.statement_timeout))
}

pub(crate) fn olap(env: &Env) -> anyhow::Result<Olap> {
    let clickhouse = ClickHouseConfig::from_env(env)?;
    let config = OlapConfig::from_url(clickhouse.url.expose()).context("NOVA_CLICKHOUSE_URL")?;
    Ok(Olap::new(&config))
}

pub(crate) fn cache(env: &Env) -> anyhow::Result<Cache> {
    let url = RedisConfig::from_env(env)?.url;
    Cache::new(&CacheConfig::new(url.expose().clone())).context("NOVA_REDIS_URL")
}
