//! The API on a free port.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nova_api::{Application, Dependencies, auth};
use nova_domain::UserId;
use nova_feed::{FeedConfig, FeedService};
use nova_olap::{Olap, OlapConfig};
use nova_runtime::{ApiConfig, AuthConfig, Env, Shutdown};
use nova_social::{PoolConfig, Social};
use nova_stream::{EventProducer, ProducerConfig};
use tokio::task::JoinHandle;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Api {
    pub(crate) addr: SocketAddr,
    pub(crate) social: Social,
    shutdown: Shutdown,
    running: JoinHandle<()>,
}

impl Api {
    /// Serves with these servers; ClickHouse is a closed port.
    pub(crate) async fn start(postgres: &str, kafka: &str) -> anyhow::Result<Self> {
        let env = Env::from_pairs([("NOVA_AUTH_SECRET", SECRET)]);
        let api = ApiConfig {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ..ApiConfig::from_env(&env)?
        };
        let social = Social::new(PoolConfig::default().connect_lazy(postgres)?);
        let mut producer = ProducerConfig::new(kafka);
        producer.delivery_timeout = Duration::from_secs(2);
        let dependencies = Dependencies {
            feed: FeedService::new(
                Olap::new(&OlapConfig::from_url(&"http://127.0.0.1:1".parse()?)?),
                social.clone(),
                FeedConfig::default(),
            )?,
            events: EventProducer::new(&producer)?,
            social: social.clone(),
        };
        let application =
            Application::build(&api, &AuthConfig::from_env(&env)?, dependencies).await?;
        let (addr, shutdown) = (application.addr(), Shutdown::new());
        let running = tokio::spawn(application.run_until_stopped(shutdown.clone()));
        Ok(Self {
            addr,
            social,
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
