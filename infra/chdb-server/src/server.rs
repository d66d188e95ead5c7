//! The server: engine, listener, stop.

use std::fs::TryLockError;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::routing::{any, get};
use axum::serve::ListenerExt as _;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::auth::Credentials;
use crate::config::{Config, Limits};
use crate::ffi::{FfiError, Library};
use crate::handler;
use crate::logger;
use crate::params::Request;
use crate::pool::Pool;

/// The engine checks `max_execution_time` itself, between blocks and in whole seconds; this much later the query is killed.
const ENGINE_GRACE: Duration = Duration::from_millis(500);

/// How long cancelled statements may take to stop when the server stops.
const CANCEL_WAIT: Duration = Duration::from_secs(5);

/// How long the answers of cancelled statements may take to leave when the server stops.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// What every request sees.
pub(crate) struct State {
    pub(crate) pool: Arc<Pool>,
    pub(crate) credentials: Credentials,
    pub(crate) limits: Limits,
    pub(crate) version: String,
    pub(crate) timezone: HeaderValue,
}

impl State {
    /// How long a statement of `request` may run.
    pub(crate) fn time_limit(&self, request: &Request) -> Duration {
        let asked = request
            .max_execution_time
            .map(|it| it.saturating_add(ENGINE_GRACE));
        asked
            .unwrap_or(self.limits.query_timeout)
            .min(self.limits.query_timeout)
    }
}

/// Why the server does not start or run.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The data directory cannot be created or named.
    #[error("the data directory {path} cannot be used")]
    Data {
        /// The directory.
        path: std::path::PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Another process has the data directory.
    #[error("the data directory {path} is in use by another process ({owner})")]
    InUse {
        /// The directory.
        path: std::path::PathBuf,
        /// What that process wrote about itself: its process id.
        owner: String,
    },
    /// The configuration cannot be read.
    #[error("the configuration {path}: {reason}")]
    Configuration {
        /// The file.
        path: std::path::PathBuf,
        /// The reason.
        reason: String,
    },
    /// The library or the engine.
    #[error("the engine {library}")]
    Engine {
        /// The library.
        library: std::path::PathBuf,
        /// The reason.
        source: FfiError,
    },
    /// The address is not free, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: std::io::Error,
    },
    /// The server ended with an error.
    #[error("serving failed")]
    Serve(#[from] std::io::Error),
    /// A thread of the server panicked.
    #[error("a thread panicked")]
    Panic(#[from] tokio::task::JoinError),
}

/// A server that listens; [`Server::run`] makes it answer.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: Arc<State>,
}

impl Server {
    /// Loads the library, starts the engine on the data directory, and listens.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn start(config: Config) -> Result<Self, ServerError> {
        let Config {
            library: path,
            data,
            config_file,
            listen,
            credentials,
            limits,
        } = config;
        let arguments = arguments(&data, config_file.as_deref(), &limits)?;
        let (connections, wait) = (limits.connections, limits.pool_wait);
        let engine = tokio::task::spawn_blocking(move || {
            let pool =
                Library::load(&path).and_then(|it| Pool::start(it, arguments, connections, wait));
            pool.map_err(|source| ServerError::Engine {
                library: path,
                source,
            })
        });
        let pool = engine.await??;
        let version = pool.ask("SELECT version()").unwrap_or_default();
        let timezone = pool.ask("SELECT timezone()").unwrap_or_default();
        let timezone = HeaderValue::from_str(&timezone).unwrap_or(HeaderValue::from_static("UTC"));
        let bound = TcpListener::bind(listen)
            .await
            .and_then(|it| Ok((it.local_addr()?, it)));
        let (address, listener) = bound.map_err(|source| ServerError::Listen {
            address: listen,
            source,
        })?;
        tracing::info!(%address, engine = version, "ready");
        let state = Arc::new(State {
            pool,
            credentials,
            limits,
            version,
            timezone,
        });
        Ok(Self {
            listener,
            address,
            state,
        })
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` completes, lets running statements finish within the time allowed, stops those
    /// that do not, and closes the engine.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let Self {
            listener, state, ..
        } = self;
        let stopping = Arc::new(Notify::new());
        let signal = {
            let stopping = Arc::clone(&stopping);
            async move {
                stop.await;
                stopping.notify_one();
            }
        };
        // Without it a small insert waits 40 ms for a delayed acknowledgement.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::warn!(%error, "TCP_NODELAY");
            }
        });
        let serve = axum::serve(listener, router(&state)).with_graceful_shutdown(signal);
        let mut serve = std::pin::pin!(serve.into_future());
        let result = tokio::select! {
            result = &mut serve => result,
            () = stopping.notified() => {
                tracing::info!(within = ?state.limits.stop_timeout, "stopping");
                match tokio::time::timeout(state.limits.stop_timeout, &mut serve).await {
                    Ok(result) => result,
                    Err(_elapsed) => {
                        tracing::warn!("statements still run: cancelling them");
                        let cancelled = state.pool.cancel_all();
                        if tokio::time::timeout(CANCEL_WAIT, cancelled).await.is_err() {
                            tracing::warn!("some statements do not stop");
                        }
                        // The answers of the cancelled ones.
                        tokio::time::timeout(ANSWER_WAIT, &mut serve).await.unwrap_or(Ok(()))
                    }
                }
            }
        };
        Arc::clone(&state.pool).close().await;
        tracing::info!("stopped");
        Ok(result?)
    }
}

fn router(state: &Arc<State>) -> Router {
    Router::new()
        .route("/", any(handler::handle))
        .route("/ping", get(|| async { "Ok.\n" }))
        .route("/replicas_status", get(|| async { "Ok.\n" }))
        .fallback(|uri: Uri| async move {
            (
                StatusCode::NOT_FOUND,
                format!("There is no handle {}\n\nUse / or /ping.\n", uri.path()),
            )
        })
        // The handler has its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(state))
}

/// Looks whether the data directory can be used before the engine does, which says little when it cannot. The
/// engine holds a lock on the file `status`.
fn claim(data: &Path) -> Result<(), ServerError> {
    let bad = |source| ServerError::Data {
        path: data.to_owned(),
        source,
    };
    std::fs::create_dir_all(data).map_err(bad)?;
    let path = data.join("status");
    let mut options = std::fs::OpenOptions::new();
    let status = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(bad)?;
    match status.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::Error(error)) => Err(bad(error)),
        Err(TryLockError::WouldBlock) => Err(ServerError::InUse {
            path: data.to_owned(),
            owner: std::fs::read_to_string(&path)
                .ok()
                .and_then(|it| it.lines().next().map(str::to_owned))
                .unwrap_or_else(|| "it does not say which".to_owned()),
        }),
    }
}

/// The command line of the engine; the same for every connection.
fn arguments(
    data: &Path,
    config_file: Option<&Path>,
    limits: &Limits,
) -> Result<Vec<String>, ServerError> {
    let bad = |source| ServerError::Data {
        path: data.to_owned(),
        source,
    };
    let data = std::path::absolute(data).map_err(bad)?;
    claim(&data)?;
    let mut arguments = vec![
        format!("--path={}", data.display()),
        // What the library sets as a tool for one user at a terminal, back to the server's defaults.
        "--implicit_select=0".to_owned(),
        "--allow_introspection_functions=0".to_owned(),
        // A statement is found by the comment at its end, which must not be cut off.
        format!("--log_queries_cut_to_length={}", 2 * handler::MAX_TEXT),
        // Stops a result before it fills the memory; the formatted size is checked again behind it.
        format!("--max_result_bytes={}", limits.max_result_bytes),
    ];
    match config_file {
        Some(file) => {
            let level = logger::level(file).map_err(|reason| ServerError::Configuration {
                path: file.to_owned(),
                reason,
            })?;
            let file = std::path::absolute(file).map_err(bad)?;
            arguments.push(format!("--config-file={}", file.display()));
            arguments.extend(level.map(|level| format!("--log-level={level}")));
        }
        // An empty name keeps the engine from looking for a configuration in the working directory, the
        // home directory and /etc.
        None => arguments.push("--config-file=".to_owned()),
    }
    Ok(arguments)
}
