//! The servers of a stack, however they run: one interface over the two providers and Nova's own process.

use std::{sync::Arc, time::Duration};

#[cfg(feature = "containers")]
use crate::containers::Containers;
use crate::{
    Provider, Server, StackError,
    plan::Plan,
    processes::{self, Processes, Setting, nova, process::Process, tree},
};

/// How long Nova may take to end: it lets requests under way finish.
const STOP_NOVA: Duration = Duration::from_secs(15);

/// What was started.
#[derive(Debug)]
pub(crate) struct Backends {
    plan: Arc<Plan>,
    servers: Servers,
    nova: Option<Process>,
}

#[derive(Debug)]
enum Servers {
    Processes(Processes),
    #[cfg(feature = "containers")]
    Containers(Containers),
}

impl Backends {
    /// Starts the servers side by side, then Nova if it is wanted.
    pub(crate) async fn start(
        setting: &Setting,
        provider: Provider,
        wanted: &[Server],
        told: &(dyn Fn(Server, Duration) + Send + Sync),
    ) -> Result<Self, StackError> {
        let backends: Vec<Server> = Server::BACKENDS
            .into_iter()
            .filter(|server| wanted.contains(server))
            .collect();
        let servers = match provider {
            Provider::Processes => {
                let installed = tokio::task::spawn_blocking(installation)
                    .await
                    .map_err(|error| StackError::Provision(error.to_string()))??;
                Servers::Processes(Processes::start(setting, &backends, installed, told).await?)
            }
            #[cfg(feature = "containers")]
            Provider::Containers => {
                Servers::Containers(Containers::start(setting, &backends, told).await?)
            }
            #[cfg(not(feature = "containers"))]
            Provider::Containers => {
                return Err(StackError::Containers(
                    "nova-testbed was built without the feature `containers`".to_owned(),
                ));
            }
        };
        let nova = if wanted.contains(&Server::Nova) {
            Some(nova::start(setting, told).await?)
        } else {
            None
        };
        Ok(Self {
            plan: Arc::clone(&setting.plan),
            servers,
            nova,
        })
    }

    pub(crate) fn has(&self, server: Server) -> bool {
        match (&self.servers, server) {
            (_, Server::Nova) => self.nova.is_some(),
            (Servers::Processes(processes), _) => processes.servers().any(|one| one == server),
            #[cfg(feature = "containers")]
            (Servers::Containers(containers), _) => containers.servers().any(|one| one == server),
        }
    }

    pub(crate) fn pid(&self, server: Server) -> Option<u32> {
        match (&self.servers, server) {
            (_, Server::Nova) => self.nova.as_ref()?.pid(),
            (Servers::Processes(processes), _) => processes.get(server).ok()?.pid(),
            #[cfg(feature = "containers")]
            (Servers::Containers(containers), _) => containers.pid(server),
        }
    }

    pub(crate) fn memory(&self, server: Server) -> Option<u64> {
        self.pid(server).map(tree::resident_bytes)
    }

    pub(crate) async fn pause(&self, server: Server) -> Result<(), StackError> {
        match self.place(server)? {
            Place::Process(process) => process.pause().await,
            #[cfg(feature = "containers")]
            Place::Container(containers) => containers.pause(server).await,
        }
    }

    pub(crate) async fn resume(&self, server: Server) -> Result<(), StackError> {
        match self.place(server)? {
            Place::Process(process) => process.resume(),
            #[cfg(feature = "containers")]
            Place::Container(containers) => containers.resume(server).await,
        }
    }

    pub(crate) async fn kill(&self, server: Server) -> Result<(), StackError> {
        match self.place(server)? {
            Place::Process(process) => process.kill().await,
            #[cfg(feature = "containers")]
            Place::Container(containers) => containers.kill(server).await,
        }
    }

    pub(crate) async fn restart(&self, server: Server) -> Result<(), StackError> {
        match self.place(server)? {
            Place::Process(process) => {
                self.stop_process(server, process).await;
                process.start_again()?;
            }
            #[cfg(feature = "containers")]
            Place::Container(containers) => containers.restart(server).await?,
        }
        self.wait_ready(server).await
    }

    pub(crate) async fn wait_ready(&self, server: Server) -> Result<(), StackError> {
        match self.place(server)? {
            Place::Process(process) => processes::wait_ready(process, &self.plan).await,
            #[cfg(feature = "containers")]
            Place::Container(containers) => containers.wait_ready(server).await,
        }
    }

    /// Stops everything in good order.
    pub(crate) async fn stop(&self) {
        if let Some(nova) = &self.nova {
            nova.stop(STOP_NOVA).await;
        }
        match &self.servers {
            Servers::Processes(processes) => processes.stop_all().await,
            // Their data goes with them: the watchdog removes them as they are.
            #[cfg(feature = "containers")]
            Servers::Containers(_) => {}
        }
    }

    async fn stop_process(&self, server: Server, process: &Process) {
        match &self.servers {
            Servers::Processes(processes) if server != Server::Nova => {
                processes.stop_one(server, process).await;
            }
            _ => {
                process.stop(STOP_NOVA).await;
            }
        }
    }

    fn place(&self, server: Server) -> Result<Place<'_>, StackError> {
        match (&self.servers, server) {
            (_, Server::Nova) => {
                let nova = self.nova.as_ref().ok_or(StackError::NotPart(server))?;
                Ok(Place::Process(nova))
            }
            (Servers::Processes(processes), _) => processes.get(server).map(Place::Process),
            #[cfg(feature = "containers")]
            (Servers::Containers(containers), _) => Ok(Place::Container(containers)),
        }
    }
}

enum Place<'a> {
    Process(&'a Process),
    #[cfg(feature = "containers")]
    Container(&'a Containers),
}

/// The pinned packages, fetched if they are not there.
fn installation() -> Result<nova_dist::Installation, StackError> {
    let error = |error: nova_dist::DistError| StackError::Provision(error.to_string());
    let cache = nova_dist::Cache::from_env().map_err(error)?;
    nova_dist::ensure(&cache, &nova_dist::Silent).map_err(error)
}
