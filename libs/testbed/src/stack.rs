//! The stack: servers that belong together, started, disturbed and stopped as one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Endpoints, Server, StackError,
    backends::Backends,
    cleanup::Cleanup,
    plan::Plan,
    probe,
    processes::{self, Setting},
};

/// How the servers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provider {
    /// Child processes, from the pinned packages: no container engine, no root.
    #[default]
    Processes,
    /// Containers (feature `containers`).
    Containers,
}

/// Hears of each server as it gets ready, with the time that took.
pub type Told = Box<dyn Fn(Server, Duration) + Send + Sync>;

/// What a stack is to consist of; [`StackBuilder::start`] starts it.
pub struct StackBuilder {
    provider: Provider,
    servers: Vec<Server>,
    run_dir: Option<PathBuf>,
    port_seed: Option<u64>,
    durable: bool,
    keep_failed: bool,
    nova_environment: BTreeMap<String, String>,
    told: Told,
}

impl std::fmt::Debug for StackBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StackBuilder")
            .field("provider", &self.provider)
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

impl StackBuilder {
    /// Processes (the default) or containers.
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// Only these servers. Default: the five that Nova stands on.
    #[must_use]
    pub fn servers(mut self, servers: &[Server]) -> Self {
        self.servers = servers.to_vec();
        self
    }

    /// Where logs and data go; removed at the end. Default: a new directory below the temporary one.
    #[must_use]
    pub fn run_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.run_dir = Some(directory.into());
        self
    }

    /// With Nova: the schema is applied, the connector deployed, and `nova all` runs.
    #[must_use]
    pub fn nova(mut self, nova: bool) -> Self {
        self.servers.retain(|server| *server != Server::Nova);
        if nova {
            self.servers.push(Server::Nova);
        }
        self
    }

    /// One more variable in the environment of Nova's processes.
    #[must_use]
    pub fn nova_env(mut self, name: &str, value: &str) -> Self {
        self.nova_environment
            .insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same seed tries the same ports first. Default: anywhere.
    #[must_use]
    pub fn port_seed(mut self, seed: u64) -> Self {
        self.port_seed = Some(seed);
        self
    }

    /// Commits wait for the disk, as in production. Default: no; what is written then survives the death of
    /// any server, but not that of the machine.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Leaves the run directory in place when the start fails. Default: no.
    #[must_use]
    pub fn keep_failed(mut self, keep: bool) -> Self {
        self.keep_failed = keep;
        self
    }

    /// Calls `told` for each server that got ready.
    #[must_use]
    pub fn told(mut self, told: impl Fn(Server, Duration) + Send + Sync + 'static) -> Self {
        self.told = Box::new(told);
        self
    }

    /// Starts the servers and waits until all are ready.
    ///
    /// # Errors
    /// The first server that failed, with the last lines of its log. Everything that had been started is gone then,
    /// also when this future is dropped.
    pub async fn start(self) -> Result<Stack, StackError> {
        let begun = Instant::now();
        let plan = Arc::new(Plan::new(self.run_dir, self.port_seed)?);
        let cleanup = Cleanup::start(&plan)?;
        let setting = Setting {
            plan: Arc::clone(&plan),
            watchdog: cleanup.watchdog(),
            durable: self.durable,
            nova_environment: self.nova_environment,
        };
        let started = Backends::start(&setting, self.provider, &self.servers, &self.told).await;
        match started {
            Ok(backends) => Ok(Stack {
                plan,
                provider: self.provider,
                backends,
                ready_after: begun.elapsed(),
                cleanup,
            }),
            Err(error) => {
                if self.keep_failed {
                    cleanup.keep_run_directory();
                }
                Err(error)
            }
        }
    }
}

/// Running servers. Dropping it kills them and removes every trace; [`Stack::stop`] lets them end in good order.
#[derive(Debug)]
pub struct Stack {
    plan: Arc<Plan>,
    provider: Provider,
    backends: Backends,
    ready_after: Duration,
    cleanup: Cleanup,
}

impl Stack {
    /// A stack of the five servers as processes, until told otherwise.
    #[must_use]
    pub fn builder() -> StackBuilder {
        StackBuilder {
            provider: Provider::default(),
            servers: Server::BACKENDS.to_vec(),
            run_dir: None,
            port_seed: None,
            durable: false,
            keep_failed: false,
            nova_environment: BTreeMap::new(),
            told: Box::new(|_, _| {}),
        }
    }

    /// Where the servers are. Complete for every stack; nothing listens at the address of a server it does not have.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.plan.endpoints
    }

    /// How it runs.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The run directory: `logs/`, and a folder for each server.
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        &self.plan.run_dir
    }

    /// The name of this run.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.plan.run_id
    }

    /// From the call of `start` until all were ready.
    #[must_use]
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// The servers it has, in the order in which they depend on each other.
    #[must_use]
    pub fn servers(&self) -> Vec<Server> {
        Server::ALL
            .into_iter()
            .filter(|server| self.backends.has(*server))
            .collect()
    }

    /// The variables with which any Nova program works on this stack: `NOVA_POSTGRES_URL` and the others.
    #[must_use]
    pub fn nova_environment(&self) -> Vec<(&'static str, String)> {
        processes::nova::environment_of(&self.plan)
    }

    /// The log of a server.
    #[must_use]
    pub fn log(&self, server: Server) -> PathBuf {
        self.plan.log(server)
    }

    /// The process of a server, while it runs.
    #[must_use]
    pub fn pid(&self, server: Server) -> Option<u32> {
        self.backends.pid(server)
    }

    /// The memory of its own that a server and its children hold, in bytes.
    #[must_use]
    pub fn memory(&self, server: Server) -> Option<u64> {
        self.backends.memory(server)
    }

    /// Asks a server whether it can serve, once.
    ///
    /// # Errors
    /// What is missing, in words.
    pub async fn check(&self, server: Server) -> Result<(), String> {
        probe::probe(server, self.endpoints()).await
    }

    /// Stops the server in its tracks: it keeps its connections and its port, and answers nothing.
    ///
    /// # Errors
    /// When it is not part of the stack or not running.
    pub async fn pause(&self, server: Server) -> Result<(), StackError> {
        self.backends.pause(server).await
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// When it is not part of the stack or not running.
    pub async fn resume(&self, server: Server) -> Result<(), StackError> {
        self.backends.resume(server).await
    }

    /// `kill -9`, and waits until it is gone. Its data and its address stay for [`Stack::restart`].
    ///
    /// # Errors
    /// When it is not part of the stack or not running.
    pub async fn kill(&self, server: Server) -> Result<(), StackError> {
        self.backends.kill(server).await
    }

    /// Starts the server again at the same address with the same data, and waits until it is ready.
    /// One that runs is stopped in good order first.
    ///
    /// # Errors
    /// When it is not part of the stack or does not become ready.
    pub async fn restart(&self, server: Server) -> Result<(), StackError> {
        self.backends.restart(server).await
    }

    /// Waits until the server can serve.
    ///
    /// # Errors
    /// When it cannot in time, with its last state and the end of its log.
    pub async fn wait_ready(&self, server: Server) -> Result<(), StackError> {
        self.backends.wait_ready(server).await
    }

    /// Stops everything in good order and removes the run directory.
    pub async fn stop(self) {
        self.backends.stop().await;
        let Self { cleanup, .. } = self;
        // Blocks while files are removed.
        let _ = tokio::task::spawn_blocking(move || drop(cleanup)).await;
    }

    /// Stops everything in good order and leaves the run directory, for a look at the logs.
    pub async fn stop_and_keep(self) {
        self.cleanup.keep_run_directory();
        self.stop().await;
    }
}
