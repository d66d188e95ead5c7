//! The servers as the libraries know them, from the environment; nothing connects yet.

use anyhow::Context as _;
use nova_cache::{Cache, CacheConfig};
use nova_feed::discovery::{Discovery, Popular, SuggestConfig};
use nova_feed::{CursorKey, FeedConfig, FeedService};
use nova_olap::{Olap, OlapConfig, Turns};
use nova_runtime::{AuthConfig, ClickHouseConfig, CursorConfig, Env, PostgresConfig, RedisConfig};
use nova_social::{PoolConfig, Social};
use tokio::runtime::Handle;

/// What reads and ranks.
pub(crate) struct Backends {
    pub(crate) social: Social,
    pub(crate) olap: Olap,
    pub(crate) cache: Cache,
}

impl Backends {
    /// `name` is what PostgreSQL shows of the connections; at most so many, however many `NOVA_POSTGRES_MAX_CONNECTIONS`
    /// allows. `turns` are those of the process.
    pub(crate) fn from_env(
        env: &Env,
        name: &str,
        at_most: Option<u32>,
        turns: &Turns,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            social: social(env, name, at_most)?,
            olap: olap(env, turns)?,
            cache: cache(env)?,
        })
    }

    /// The read path, with rankings made on a runtime of their own if there is one. Every process derives the same key for
    /// cursors: pages that one makes go on at another.
    pub(crate) fn feed(
        &self,
        env: &Env,
        auth: &AuthConfig,
        rankings_on: Option<Handle>,
    ) -> anyhow::Result<FeedService> {
        let secret = CursorConfig::from_env(env, auth)?.secret;
        let key = CursorKey::derive(secret.expose().as_bytes());
        Ok(FeedService::ranking_on(
            rankings_on,
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
            popular: Popular::default(),
            suggest: SuggestConfig::from_lookup(env.lookup())?,
        })
    }
}

fn social(env: &Env, name: &str, at_most: Option<u32>) -> anyhow::Result<Social> {
    let postgres = PostgresConfig::from_env(env)?;
    let pool = PoolConfig {
        max_connections: postgres.max_connections.min(at_most.unwrap_or(u32::MAX)),
        acquire_timeout: postgres.acquire_timeout,
        statement_timeout: postgres.statement_timeout,
        application_name: name.to_owned(),
    }
    .connect_lazy(postgres.url.expose().as_str())
    .context("NOVA_POSTGRES_URL")?;
    Ok(Social::new(pool).with_deadline(postgres.acquire_timeout + postgres.statement_timeout))
}

pub(crate) fn olap(env: &Env, turns: &Turns) -> anyhow::Result<Olap> {
    let clickhouse = ClickHouseConfig::from_env(env)?;
    let config = OlapConfig::from_url(clickhouse.url.expose()).context("NOVA_CLICKHOUSE_URL")?;
    Ok(Olap::taking(&config, turns.clone()))
}

pub(crate) fn cache(env: &Env) -> anyhow::Result<Cache> {
    let url = RedisConfig::from_env(env)?.url;
    Cache::new(&CacheConfig::new(url.expose().clone())).context("NOVA_REDIS_URL")
}
