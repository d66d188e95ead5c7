//! A server of its own for each test, a cache on it, and a plain connection to look behind the cache.

mod proxy;

use std::time::Duration;

use anyhow::Context as _;
use nova_cache::{Cache, CacheConfig};
use nova_domain::{PostId, UserId};
use nova_testbed::{Server, Stack};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue};
use url::Url;
use uuid::Uuid;

pub(crate) use proxy::Proxy;

/// Longer than any condition here takes, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Engine {
    pub(crate) stack: Stack,
    pub(crate) cache: Cache,
}

impl Engine {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let stack = Stack::builder()
            .servers(&[Server::Redis])
            .start()
            .await
            .context("starting Redis")?;
        let cache = Cache::new(&config(&stack.endpoints().redis)?)?;
        Ok(Self { stack, cache })
    }

    pub(crate) fn url(&self) -> &str {
        &self.stack.endpoints().redis
    }

    /// Runs a command behind the cache's back.
    pub(crate) async fn raw<T: FromRedisValue>(&self, words: &[&str]) -> anyhow::Result<T> {
        let mut cmd = Cmd::new();
        for word in words {
            cmd.arg(*word);
        }
        Ok(cmd.query_async(&mut self.connection().await?).await?)
    }

    async fn connection(&self) -> anyhow::Result<MultiplexedConnection> {
        let client = redis::Client::open(self.url())?;
        Ok(client.get_multiplexed_async_connection().await?)
    }

    /// Milliseconds that a key has left to live.
    pub(crate) async fn life(&self, key: &str) -> anyhow::Result<i64> {
        self.raw(&["PTTL", key]).await
    }

    pub(crate) async fn stop(self) {
        drop(self.cache);
        self.stack.stop().await;
    }
}

/// Deadlines that a busy machine keeps: what a test measures is not its load.
pub(crate) fn config(url: &str) -> anyhow::Result<CacheConfig> {
    Ok(CacheConfig {
        response_timeout: Duration::from_secs(2),
        ..CacheConfig::new(Url::parse(url)?)
    })
}

pub(crate) fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

pub(crate) fn post(n: u128) -> PostId {
    PostId::new(Uuid::from_u128(0xf000 + n))
}

pub(crate) fn posts(count: u128) -> Vec<PostId> {
    (0..count).map(post).collect()
}
