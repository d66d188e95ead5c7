//! The servers as containers, by testcontainers.
//!
//! Everything of a run carries one label and one network; the watchdog removes both by the label, so that nothing is
//! left behind even when this process is killed.

mod images;
mod logs;
mod request;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use testcontainers_modules::testcontainers::{
    ContainerAsync, GenericImage,
    bollard::{
        Docker, models::NetworkCreateRequest, query_parameters::KillContainerOptionsBuilder,
    },
    core::client::docker_client_instance,
    runners::AsyncRunner as _,
};
use tokio::sync::watch;

use self::images::Images;
use crate::{
    Server, StackError,
    error::ServerFailure,
    plan::Plan,
    poll, probe,
    processes::{Setting, patience},
};

/// How long a container may take to end by itself, in seconds.
const STOP: i32 = 10;
/// How long freezing a container may be tried.
const FREEZE: Duration = Duration::from_secs(10);

/// The running containers.
#[derive(Debug)]
pub(crate) struct Containers {
    plan: Arc<Plan>,
    docker: Docker,
    containers: BTreeMap<Server, Running>,
}

struct Running {
    container: ContainerAsync<GenericImage>,
    /// Its first process, as this machine counts; 0 while it does not run.
    pid: Mutex<u32>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("container", &self.container.id())
            .finish_non_exhaustive()
    }
}

impl Containers {
    /// Starts the given servers side by side and waits until all are ready.
    pub(crate) async fn start(
        setting: &Setting,
        servers: &[Server],
        told: &(dyn Fn(Server, Duration) + Send + Sync),
    ) -> Result<Self, StackError> {
        let plan = Arc::clone(&setting.plan);
        let docker = docker_client_instance()
            .await
            .map_err(|error| StackError::Containers(format!("is Docker running? {error}")))?;
        let images = images::choose(&docker).await?;
        let label = format!("{}={}", request::LABEL, plan.run_id);
        setting.watchdog.watch_label(&label);
        create_network(&docker, &plan).await?;

        // Connect gives up at once when the broker's name does not resolve, so it waits for that container.
        let (kafka_exists, kafka) = watch::channel(!servers.contains(&Server::Kafka));
        let started = try_join_all(servers.iter().copied().map(|server| {
            let (plan, docker, images) = (&plan, &docker, &images);
            let (kafka_exists, mut kafka) = (&kafka_exists, kafka.clone());
            async move {
                let begun = Instant::now();
                if server == Server::Connect && kafka.wait_for(|exists| *exists).await.is_err() {
                    return Err(StackError::NotRunning(Server::Kafka));
                }
                let running = start_one(plan, docker, server, images, setting.durable).await?;
                if server == Server::Kafka {
                    kafka_exists.send_replace(true);
                }
                wait_ready(plan, docker, server, &running).await?;
                told(server, begun.elapsed());
                Ok((server, running))
            }
        }))
        .await?;
        Ok(Self {
            containers: started.into_iter().collect(),
            plan,
            docker,
        })
    }

    pub(crate) fn servers(&self) -> impl Iterator<Item = Server> {
        self.containers.keys().copied()
    }

    pub(crate) fn pid(&self, server: Server) -> Option<u32> {
        let pid = *self.get(server).ok()?.lock();
        (pid != 0).then_some(pid)
    }

    pub(crate) async fn pause(&self, server: Server) -> Result<(), StackError> {
        let running = self.running(server)?;
        // A server with many threads at work is not always frozen at the first try; the runtime lets go of it then.
        poll::wait_for(FREEZE, || async {
            let paused = running.container.pause().await;
            paused.map_err(|error| error.to_string())
        })
        .await
        .map_err(|late| StackError::Containers(format!("pausing {server}: {late}")))
    }

    pub(crate) async fn resume(&self, server: Server) -> Result<(), StackError> {
        let running = self.running(server)?;
        running
            .container
            .unpause()
            .await
            .map_err(engine_error(format!("resuming {server}")))
    }

    pub(crate) async fn kill(&self, server: Server) -> Result<(), StackError> {
        let running = self.running(server)?;
        // A paused container refuses signals; one that is not paused refuses this, which is fine.
        let _ = running.container.unpause().await;
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        self.docker
            .kill_container(running.container.id(), Some(options))
            .await
            .map_err(engine_error(format!("killing {server}")))?;
        let ended = poll::wait_for(Duration::from_secs(10), || async {
            match running.container.is_running().await {
                Ok(false) => Ok(()),
                Ok(true) => Err("it still runs".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
        *running.lock() = 0;
        ended.map_err(|late| StackError::Containers(format!("killing {server}: {late}")))
    }

    /// Stops the container if it runs, and starts it again. The caller waits until it is ready.
    pub(crate) async fn restart(&self, server: Server) -> Result<(), StackError> {
        let running = self.get(server)?;
        let container = &running.container;
        if self.pid(server).is_some() {
            let _ = container.unpause().await;
            container
                .stop_with_timeout(Some(STOP))
                .await
                .map_err(engine_error(format!("stopping {server}")))?;
        }
        container
            .start()
            .await
            .map_err(engine_error(format!("starting {server}")))?;
        running.entered(&self.docker, &self.plan, server).await
    }

    pub(crate) async fn wait_ready(&self, server: Server) -> Result<(), StackError> {
        wait_ready(&self.plan, &self.docker, server, self.get(server)?).await
    }

    fn get(&self, server: Server) -> Result<&Running, StackError> {
        self.containers
            .get(&server)
            .ok_or(StackError::NotPart(server))
    }

    fn running(&self, server: Server) -> Result<&Running, StackError> {
        let running = self.get(server)?;
        self.pid(server).ok_or(StackError::NotRunning(server))?;
        Ok(running)
    }
}

impl Running {
    fn lock(&self) -> std::sync::MutexGuard<'_, u32> {
        self.pid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the process of a container that was started, and follows its log.
    async fn entered(
        &self,
        docker: &Docker,
        plan: &Plan,
        server: Server,
    ) -> Result<(), StackError> {
        let id = self.container.id().to_owned();
        let state = docker
            .inspect_container(&id, None)
            .await
            .map_err(engine_error(format!("looking at {server}")))?
            .state;
        let pid = state.and_then(|state| state.pid).unwrap_or_default();
        *self.lock() = u32::try_from(pid).unwrap_or_default();
        let (docker, log) = (docker.clone(), plan.log(server));
        tokio::spawn(async move { logs::follow(&docker, &id, &log).await });
        Ok(())
    }
}

async fn create_network(docker: &Docker, plan: &Plan) -> Result<(), StackError> {
    let labels = HashMap::from([(request::LABEL.to_owned(), plan.run_id.clone())]);
    let network = NetworkCreateRequest {
        name: plan.run_id.clone(),
        labels: Some(labels),
        ..NetworkCreateRequest::default()
    };
    docker
        .create_network(network)
        .await
        .map(drop)
        .map_err(engine_error("creating the network".to_owned()))
}

async fn start_one(
    plan: &Plan,
    docker: &Docker,
    server: Server,
    images: &Images,
    durable: bool,
) -> Result<Running, StackError> {
    let container = request::request(plan, server, images, durable)?
        .start()
        .await
        .map_err(engine_error(format!("starting {server}")))?;
    let running = Running {
        container,
        pid: Mutex::new(0),
    };
    running.entered(docker, plan, server).await?;
    Ok(running)
}

/// Waits until the server answers at its published port. A container that ends instead is not waited for.
async fn wait_ready(
    plan: &Plan,
    docker: &Docker,
    server: Server,
    running: &Running,
) -> Result<(), StackError> {
    let waited = poll::wait_for(patience(server), || async {
        let state = match probe::probe(server, &plan.endpoints).await {
            Ok(()) => return Ok(Ok(())),
            Err(state) => state,
        };
        match running.container.exit_code().await {
            Ok(Some(code)) => Ok(Err(format!("its container ended with code {code}"))),
            _ => Err(state),
        }
    })
    .await;
    let state = match waited {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(ended)) => ended,
        Err(late) => late.to_string(),
    };
    let log = plan.log(server);
    logs::save(docker, running.container.id(), &log).await;
    Err(ServerFailure::error(server, "starting", state, log))
}

/// Wraps an error of the engine with what was being done.
fn engine_error<E: std::fmt::Display>(doing: String) -> impl FnOnce(E) -> StackError {
    move |error| StackError::Containers(format!("{doing}: {error}"))
}
