//! The API on a free port, and a client that holds every answer against the document.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses a part; `expect` would be wrong in those that use all"
)]

pub(crate) mod client;
#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: a panic is the failure to report"
)]
pub(crate) mod contract;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nova_api::{Application, Dependencies, auth};
use nova_cache::{Cache, CacheConfig};
use nova_domain::UserId;
use nova_feed::discovery::{Discovery, Popular, SuggestConfig};
use nova_feed::{CursorKey, FeedConfig, FeedService};
use nova_olap::{Olap, OlapConfig};
use nova_runtime::{ApiConfig, AuthConfig, Env, Shutdown};
use nova_social::{PoolConfig, Social};
use nova_stream::{EventProducer, ProducerConfig};
use nova_testbed::Endpoints;
use tokio::task::JoinHandle;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Where the servers are.
#[derive(Clone)]
pub(crate) struct Servers {
    pub(crate) postgres: String,
    pub(crate) kafka: String,
    pub(crate) clickhouse: String,
    pub(crate) redis: String,
}

impl Servers {
    /// Nobody answers at any of them.
    pub(crate) fn none() -> Self {
        Self {
            postgres: "postgres://nova@127.0.0.1:1/nova".to_owned(),
            kafka: "127.0.0.1:1".to_owned(),
            clickhouse: "http://127.0.0.1:1".to_owned(),
            redis: "redis://127.0.0.1:1".to_owned(),
        }
    }

    pub(crate) fn of(endpoints: &Endpoints) -> Self {
        Self {
            postgres: endpoints.postgres.clone(),
            kafka: endpoints.kafka.clone(),
            clickhouse: endpoints.clickhouse.clone(),
            redis: endpoints.redis.clone(),
        }
    }
}

pub(crate) struct Api {
    pub(crate) addr: SocketAddr,
    pub(crate) social: Social,
    pub(crate) olap: Olap,
    pub(crate) cache: Cache,
    shutdown: Shutdown,
    running: JoinHandle<()>,
}

impl Api {
    /// Serves with these servers, whether they run or not, and these settings.
    pub(crate) async fn start(
        servers: &Servers,
        settings: &[(&'static str, &'static str)],
    ) -> anyhow::Result<Self> {
        let secret = [("NOVA_AUTH_SECRET", SECRET)];
        let env = Env::from_pairs(settings.iter().chain(&secret).copied());
        let api = ApiConfig {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ..ApiConfig::from_env(&env)?
        };
        let social = Social::new(PoolConfig::default().connect_lazy(&servers.postgres)?);
        let olap = Olap::new(&OlapConfig::from_url(&servers.clickhouse.parse()?)?);
        let cache = Cache::new(&CacheConfig::new(servers.redis.parse()?))?;
        let mut producer = ProducerConfig::new(&servers.kafka);
        producer.delivery_timeout = Duration::from_secs(2);
        let feed = FeedConfig::default();
        let dependencies = Dependencies {
            discovery: Discovery {
                olap: olap.clone(),
                social: social.clone(),
                cache: Some(cache.clone()),
                formula: feed.formula,
                popular: Popular::default(),
                suggest: SuggestConfig::default(),
            },
            feed: FeedService::new(
                olap.clone(),
                social.clone(),
                Some(cache.clone()),
                feed,
                CursorKey::derive(SECRET.as_bytes()),
            )?,
            events: EventProducer::new(&producer)?,
            cache: Some(cache.clone()),
            social: social.clone(),
        };
        let application =
            Application::build(&api, &AuthConfig::from_env(&env)?, dependencies).await?;
        let (addr, shutdown) = (application.addr(), Shutdown::new());
        let running = tokio::spawn(application.run_until_stopped(shutdown.clone()));
        Ok(Self {
            addr,
            social,
            olap,
            cache,
            shutdown,
            running,
        })
    }

    pub(crate) fn request_stop(&self) {
        self.shutdown.request();
    }

    /// Waits until the API has stopped, which it was told to.
    pub(crate) async fn stopped(self) -> anyhow::Result<()> {
        tokio::time::timeout(Duration::from_secs(10), self.running).await??;
        self.social.pool().close().await;
        Ok(())
    }
}

pub(crate) fn token(user: UserId) -> anyhow::Result<String> {
    Ok(auth::sign(
        SECRET.as_bytes(),
        user,
        Duration::from_secs(600),
    )?)
}
