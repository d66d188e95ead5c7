//! What is put under load: a stack of its own, or one that runs.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nova_testbed::{Endpoints, Provider, Server, Stack};
use url::Url;

use crate::resources::{Watched, listener};

/// Servers with Nova on them.
#[derive(Debug)]
pub enum Target {
    /// Started for this run, and gone with it.
    Own(Box<Stack>),
    /// One that somebody else started.
    Running {
        /// Where its servers are.
        endpoints: Box<Endpoints>,
        /// The file that says so.
        file: PathBuf,
    },
}

impl Target {
    /// Starts a stack with Nova, each server told on stderr as it gets ready.
    ///
    /// # Errors
    /// The server that did not start, with the end of its log.
    pub async fn start(provider: Provider) -> anyhow::Result<Self> {
        let stack = Stack::builder()
            .provider(provider)
            .nova(true)
            .told(|server, took| {
                eprintln!("  {server:<12} ready after {:.1} s", took.as_secs_f64());
            })
            .start()
            .await?;
        Ok(Self::Own(Box::new(stack)))
    }

    /// The running stack at a place, or where none is named one of its own.
    ///
    /// # Errors
    /// As [`Target::running`] and [`Target::start`].
    pub async fn open(place: Option<&Path>, provider: Provider) -> anyhow::Result<Self> {
        match place {
            Some(place) => Self::running(place),
            None => Self::start(provider).await,
        }
    }

    /// A running stack: its `endpoints.json`, or the directory that has it (also as `.nova/endpoints.json`).
    ///
    /// # Errors
    /// When there is no such file, or it does not hold endpoints.
    pub fn running(place: &Path) -> anyhow::Result<Self> {
        let candidates = [
            place.to_owned(),
            place.join("endpoints.json"),
            place.join(Endpoints::DEFAULT_PATH),
        ];
        let file = candidates.into_iter().find(|file| file.is_file());
        let file = file.with_context(|| format!("{}: no endpoints.json there", place.display()))?;
        let endpoints = Endpoints::load(&file)?;
        Ok(Self::Running {
            endpoints: Box::new(endpoints),
            file,
        })
    }

    /// Where the servers are.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        match self {
            Self::Own(stack) => stack.endpoints(),
            Self::Running { endpoints, .. } => endpoints,
        }
    }

    /// The variables with which `nova` works on it.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Own(stack) => stack.nova_environment(),
            Self::Running { file, .. } => {
                vec![("NOVA_ENDPOINTS", file.to_string_lossy().into_owned())]
            }
        }
    }

    /// Every server's process, and this one.
    #[must_use]
    pub fn processes(&self) -> Vec<Watched> {
        let pid = |server| match self {
            Self::Own(stack) => stack.pid(server),
            Self::Running { endpoints, .. } => port(endpoints, server).and_then(listener),
        };
        let servers = Server::ALL.into_iter().map(|server| Watched {
            name: server.name().to_owned(),
            pid: pid(server),
            children: true,
        });
        let this = Watched {
            name: "load generator".to_owned(),
            pid: Some(std::process::id()),
            children: false,
        };
        servers.chain([this]).collect()
    }

    /// Whether the processes of a stack are children of this one.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Ends a stack of its own.
    pub async fn stop(self) {
        if let Self::Own(stack) = self {
            stack.stop().await;
        }
    }
}

/// Where a server listens.
fn port(endpoints: &Endpoints, server: Server) -> Option<u16> {
    let address = match server {
        Server::Postgres => &endpoints.postgres,
        Server::Kafka => return endpoints.kafka.rsplit_once(':')?.1.parse().ok(),
        Server::Connect => &endpoints.connect,
        Server::ClickHouse => &endpoints.clickhouse,
        Server::Redis => &endpoints.redis,
        Server::Nova => &endpoints.api,
    };
    let url: Url = address.parse().ok()?;
    url.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> Endpoints {
        Endpoints {
            api: "http://127.0.0.1:8080".to_owned(),
            admin: "http://127.0.0.1:9090".to_owned(),
            postgres: "postgres://nova:hush@127.0.0.1:5432/nova".to_owned(),
            redis: "redis://127.0.0.1:6379".to_owned(),
            clickhouse: "http://nova:hush@127.0.0.1:8123".to_owned(),
            kafka: "127.0.0.1:9092".to_owned(),
            connect: "http://127.0.0.1:8083".to_owned(),
            auth_secret: "0123456789abcdef0123456789abcdef".to_owned(),
        }
    }

    #[test]
    fn a_running_stack_is_found_by_its_file_and_by_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Target::running(directory.path()).is_err());
        let file = directory.path().join(Endpoints::DEFAULT_PATH);
        endpoints().save(&file).unwrap();
        for place in [directory.path(), file.parent().unwrap(), &file] {
            let target = Target::running(place).unwrap();
            assert_eq!(target.endpoints().api, "http://127.0.0.1:8080");
            assert_eq!(
                target.environment(),
                [("NOVA_ENDPOINTS", file.to_string_lossy().into_owned())]
            );
        }
    }

    #[test]
    fn every_server_has_a_port() {
        let ports = Server::ALL.map(|server| port(&endpoints(), server));
        assert_eq!(
            ports,
            [
                Some(5432),
                Some(9092),
                Some(6379),
                Some(8123),
                Some(8083),
                Some(8080)
            ]
        );
    }
}
