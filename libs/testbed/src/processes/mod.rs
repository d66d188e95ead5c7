//! The servers as child processes, from the pinned packages.

mod account;
pub(crate) mod clickhouse;
pub(crate) mod connect;
mod jvm;
pub(crate) mod kafka;
pub(crate) mod nova;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod redis;
mod scratch;
mod template;
pub(crate) mod tree;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use futures::future::{join_all, try_join_all};
use nova_dist::Installation;

use self::{
    jvm::ClassArchive,
    process::{Process, Recipe},
};
use crate::{
    Server, StackError, error::ServerFailure, plan::Plan, poll, probe, watchdog::Watchdog,
};

/// How long a server may take to end by itself.
const STOP: Duration = Duration::from_secs(10);
/// The same for a Java server that writes its class archive at the end.
const STOP_RECORDING: Duration = Duration::from_secs(40);

/// The running servers.
#[derive(Debug)]
pub(crate) struct Processes {
    servers: BTreeMap<Server, Process>,
    archives: BTreeMap<Server, ClassArchive>,
}

struct Started {
    server: Server,
    process: Process,
    archive: Option<ClassArchive>,
    took: Duration,
}

/// A start in progress or done: what the provider needs to know of the stack.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) plan: Arc<Plan>,
    pub(crate) watchdog: Arc<Watchdog>,
    /// PostgreSQL waits for the disk at each commit.
    pub(crate) durable: bool,
    /// More variables for Nova's processes.
    pub(crate) nova_environment: BTreeMap<String, String>,
}

impl Processes {
    /// Starts the given servers side by side and waits until all are ready. `told` hears of each as it is.
    ///
    /// Connect waits for Kafka by itself, so even the two Java servers load their classes at the same time.
    pub(crate) async fn start(
        setting: &Setting,
        servers: &[Server],
        installed: Installation,
        told: &(dyn Fn(Server, Duration) + Send + Sync),
    ) -> Result<Self, StackError> {
        let installed = Arc::new(installed);
        let started = try_join_all(servers.iter().copied().map(|server| {
            let installed = Arc::clone(&installed);
            async move {
                let started = start_one(setting, server, installed).await?;
                told(started.server, started.took);
                Ok::<_, StackError>(started)
            }
        }))
        .await?;
        let mut all = Self {
            servers: BTreeMap::new(),
            archives: BTreeMap::new(),
        };
        for started in started {
            if let Some(archive) = started.archive.filter(ClassArchive::is_recording) {
                all.archives.insert(started.server, archive);
            }
            all.servers.insert(started.server, started.process);
        }
        Ok(all)
    }

    pub(crate) fn servers(&self) -> impl Iterator<Item = Server> {
        self.servers.keys().copied()
    }

    pub(crate) fn get(&self, server: Server) -> Result<&Process, StackError> {
        self.servers.get(&server).ok_or(StackError::NotPart(server))
    }

    /// Stops one server in good order; it can be started again.
    pub(crate) async fn stop_one(&self, server: Server, process: &Process) {
        let archive = self.archives.get(&server);
        let patience = if archive.is_some() {
            STOP_RECORDING
        } else {
            STOP
        };
        if process.stop(patience).await
            && let Some(archive) = archive
        {
            archive.keep();
        }
    }

    /// Stops all, those first that use the others.
    pub(crate) async fn stop_all(&self) {
        if let Some(connect) = self.servers.get(&Server::Connect) {
            self.stop_one(Server::Connect, connect).await;
        }
        let rest = self
            .servers
            .iter()
            .filter(|(server, _)| **server != Server::Connect);
        join_all(rest.map(|(server, process)| self.stop_one(*server, process))).await;
    }
}

async fn start_one(
    setting: &Setting,
    server: Server,
    installed: Arc<Installation>,
) -> Result<Started, StackError> {
    let begun = Instant::now();
    let plan = Arc::clone(&setting.plan);
    let durable = setting.durable;
    // Preparing runs initdb and the like: not on a thread that serves the others.
    let prepared = tokio::task::spawn_blocking(move || {
        let _held = plan
            .preparing
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        plan.goes_on()?;
        prepare(&plan, server, &installed, durable)
    });
    let (recipe, archive) = prepared
        .await
        .map_err(|error| StackError::Provision(error.to_string()))??;
    let process = Process::start(recipe, Arc::clone(&setting.watchdog))?;
    wait_ready(&process, &setting.plan).await?;
    Ok(Started {
        server,
        process,
        archive,
        took: begun.elapsed(),
    })
}

fn prepare(
    plan: &Plan,
    server: Server,
    installed: &Installation,
    durable: bool,
) -> Result<(Recipe, Option<ClassArchive>), StackError> {
    match server {
        Server::Postgres => Ok((postgres::prepare(plan, installed, durable)?, None)),
        Server::Kafka => kafka::prepare(plan, installed),
        Server::Connect => connect::prepare(plan, installed),
        Server::ClickHouse => Ok((clickhouse::prepare(plan, installed)?, None)),
        Server::Redis => Ok((redis::prepare(plan, installed), None)),
        Server::Nova => Err(StackError::NotPart(Server::Nova)),
    }
}

/// How long a server may take until it answers: many times what it takes on two busy cores.
pub(crate) const fn patience(server: Server) -> Duration {
    Duration::from_secs(match server {
        Server::Redis => 15,
        Server::Postgres | Server::ClickHouse | Server::Nova => 45,
        Server::Kafka => 90,
        Server::Connect => 150,
    })
}

/// Waits until the server answers in its own protocol. One that ends instead is not waited for.
pub(crate) async fn wait_ready(process: &Process, plan: &Plan) -> Result<(), StackError> {
    let server = process.recipe().server;
    let waited = poll::wait_for(patience(server), || async {
        if let Some(status) = process.ended() {
            return Ok(Err(format!("it ended with {status}")));
        }
        probe::probe(server, &plan.endpoints).await.map(Ok)
    })
    .await;
    let state = match waited {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(ended)) => ended,
        Err(late) => late.to_string(),
    };
    Err(failure(process, "starting", state))
}

/// A failure of this server, with the end of its log.
pub(crate) fn failure(process: &Process, doing: &str, state: String) -> StackError {
    let recipe = process.recipe();
    let log: PathBuf = recipe.log.clone();
    ServerFailure::error(recipe.server, doing, state, log)
}
