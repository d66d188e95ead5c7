//! A bounded number of engine connections, and the means to stop what runs on them.
//!
//! A connection is a session: settings, current database and temporary tables stay in it. One that was made what requests
//! ask for ([`crate::session`]) serves the next request that asks for the same. Nothing is reset: whoever changes the session
//! otherwise says so ([`Lease::taint`]) and the connection is replaced after the request, when the answer is already on its way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::error::{Code, QueryFailure};
use crate::ffi::{Connection, FfiError, Library, QueryError};
use crate::ticket::{MARK, Ticket};

/// How long a cancelled query is asked again to stop, and how often.
const KILL_ATTEMPTS: u32 = 100;
const KILL_INTERVAL: Duration = Duration::from_millis(100);
/// How long the engine's connections may take to come back when the server stops.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// The connections of the server.
pub(crate) struct Pool {
    library: &'static Library,
    arguments: Vec<String>,
    /// Used last, last.
    idle: Mutex<Vec<Idle>>,
    permits: Arc<Semaphore>,
    connections: usize,
    stopping: AtomicBool,
    wait: Duration,
    /// Kills, and keeps the engine up: it stops with its last connection.
    control: Mutex<Option<Connection>>,
    running: Mutex<HashMap<Uuid, Arc<Ticket>>>,
}

/// A connection that waits for a request, and the statement that made it what it is; empty as it was opened.
struct Idle {
    connection: Connection,
    session: String,
}

/// A connection for one request; returned or replaced when dropped, which blocks for a fraction of a
/// millisecond and so belongs on a blocking thread.
pub(crate) struct Lease {
    connection: Option<Connection>,
    /// The statement that made the connection what it is.
    session: String,
    pool: Arc<Pool>,
    ticket: Arc<Ticket>,
    tainted: bool,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Whether the connection is what this statement makes it already.
    pub(crate) fn is(&self, session: &str) -> bool {
        self.session == session
    }

    /// A connection as it was opened, to be known by this statement: who calls runs it.
    pub(crate) fn begin(&mut self, session: &str) -> Result<&mut Connection, FfiError> {
        if !self.session.is_empty() {
            drop(self.connection.take());
        }
        session.clone_into(&mut self.session);
        self.connection()
    }

    /// The connection; the session's state is about to change, or may be in an unknown state.
    pub(crate) fn taint(&mut self) -> &mut Self {
        self.tainted = true;
        self
    }

    /// The connection, opened now if no idle one was there.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, FfiError> {
        match self.connection {
            Some(ref mut connection) => Ok(connection),
            ref mut empty @ None => Ok(empty.insert(self.pool.open()?)),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut connection = self.connection.take();
        // The engine lists a query that was killed as running until its connection is used again or closed.
        if self.tainted || self.ticket.is_cancelled() {
            drop(connection.take());
            self.session.clear();
            connection = self
                .pool
                .open()
                .inspect_err(|error| tracing::warn!(%error, "cannot replace a connection"))
                .ok();
        }
        if let Some(connection) = connection {
            let session = std::mem::take(&mut self.session);
            lock(&self.pool.idle).push(Idle {
                connection,
                session,
            });
        }
        lock(&self.pool.running).remove(&self.ticket.id());
        self.ticket.finished().send_replace(true);
    }
}

impl Pool {
    /// Starts the engine and opens the first connection. Blocks while tables are loaded.
    ///
    /// # Errors
    /// The engine refuses the arguments or the data directory.
    pub(crate) fn start(
        library: &'static Library,
        arguments: Vec<String>,
        connections: usize,
        wait: Duration,
    ) -> Result<Arc<Self>, FfiError> {
        let control = library.connect(&arguments)?;
        Ok(Arc::new(Self {
            library,
            arguments,
            idle: Mutex::new(Vec::with_capacity(connections)),
            permits: Arc::new(Semaphore::new(connections)),
            connections,
            stopping: AtomicBool::new(false),
            wait,
            control: Mutex::new(Some(control)),
            running: Mutex::new(HashMap::new()),
        }))
    }

    fn open(&self) -> Result<Connection, FfiError> {
        self.library.connect(&self.arguments)
    }

    /// An idle connection that this statement made what it is; else one as it was opened, or none while more may be opened;
    /// else the one that has been idle longest.
    fn idle(&self, session: &str) -> Option<Idle> {
        let mut idle = lock(&self.idle);
        let found = idle.iter().rposition(|it| it.session == session);
        let found = found.or_else(|| idle.iter().rposition(|it| it.session.is_empty()));
        // With the caller; who has a permit and no connection yet counts as well.
        let leased = self.connections - self.permits.available_permits();
        if found.is_none() && leased + idle.len() <= self.connections {
            return None;
        }
        (!idle.is_empty()).then(|| idle.remove(found.unwrap_or_default()))
    }

    /// Waits for a free connection, at most as long as configured; if possible for one that `session` made what it is.
    pub(crate) async fn lease(
        self: &Arc<Self>,
        session: &str,
        ticket: &Arc<Ticket>,
    ) -> Result<Lease, QueryFailure> {
        let failed = |why| QueryFailure::new(Code::TooManySimultaneousQueries, why);
        let permit =
            tokio::time::timeout(self.wait, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(failed(format!(
                "Too many simultaneous queries: every connection of nova-chdb-server was busy for {:?} (--connections, --pool-wait-ms)",
                self.wait
            )));
        };
        if self.stopping.load(Ordering::Relaxed) {
            return Err(failed("The server is stopping".to_owned()));
        }
        lock(&self.running).insert(ticket.id(), Arc::clone(ticket));
        let idle = self.idle(session);
        let (connection, session) = idle.map(|it| (it.connection, it.session)).unzip();
        Ok(Lease {
            connection,
            session: session.unwrap_or_default(),
            pool: Arc::clone(self),
            ticket: Arc::clone(ticket),
            tainted: false,
            _permit: permit,
        })
    }

    /// Asks the engine to stop a statement until it has stopped, for ten seconds at most. A statement that
    /// has not begun yet will not begin.
    pub(crate) async fn cancel(self: Arc<Self>, ticket: Arc<Ticket>) {
        ticket.cancel();
        let mut finished = ticket.finished().subscribe();
        for _ in 0..KILL_ATTEMPTS {
            if *finished.borrow() || !lock(&self.running).contains_key(&ticket.id()) {
                return;
            }
            let (pool, id) = (Arc::clone(&self), ticket.id());
            if let Err(error) = tokio::task::spawn_blocking(move || pool.kill(id)).await {
                tracing::error!(%error, "the thread that cancels queries panicked");
            }
            if let Ok(Ok(_)) =
                tokio::time::timeout(KILL_INTERVAL, finished.wait_for(|it| *it)).await
            {
                return;
            }
        }
        tracing::warn!(query = %ticket.id(), "a cancelled query did not stop; its connection stays busy");
    }

    /// ASYNC: waiting for the query here could wait for ever. The mark is cut in two so that the statement
    /// does not find itself.
    fn kill(&self, id: Uuid) {
        let sql = format!(
            "KILL QUERY WHERE position(query, concat('{MARK}', '{id}')) > 0 ASYNC FORMAT Null"
        );
        let mut control = lock(&self.control);
        let Some(control) = control.as_mut() else {
            return;
        };
        if let Err(QueryError::Engine(error)) =
            control.query(sql.as_bytes(), "Null", &Vec::new(), usize::MAX)
        {
            tracing::warn!(%error, "cannot cancel a query");
        }
    }

    /// Runs a statement on the control connection, for the server itself.
    pub(crate) fn ask(&self, sql: &str) -> Option<String> {
        let mut control = lock(&self.control);
        let output = control
            .as_mut()?
            .query(sql.as_bytes(), "TSVRaw", &Vec::new(), 1 << 16)
            .ok()?;
        Some(String::from_utf8_lossy(&output.data).trim().to_owned())
    }

    /// Refuses new statements and stops those that run.
    pub(crate) async fn cancel_all(self: &Arc<Self>) {
        self.stopping.store(true, Ordering::Relaxed);
        let running: Vec<_> = lock(&self.running).values().cloned().collect();
        let all = running
            .into_iter()
            .map(|ticket| Arc::clone(self).cancel(ticket));
        futures::future::join_all(all).await;
    }

    /// Closes every connection, which stops the engine with its data written, then its threads.
    pub(crate) async fn close(self: Arc<Self>) {
        // All permits: no connection is in use or being put in order after an answer.
        let count = u32::try_from(self.connections).unwrap_or(u32::MAX);
        let permits = Arc::clone(&self.permits).acquire_many_owned(count);
        let idle = matches!(tokio::time::timeout(CLOSE_WAIT, permits).await, Ok(Ok(_)));
        let closed = tokio::task::spawn_blocking(move || {
            lock(&self.idle).clear();
            drop(lock(&self.control).take());
            if !idle {
                tracing::warn!("stopping with statements still running");
            } else if let Err(error) = self.library.shutdown() {
                // Its threads end with the process; the data was written when the last connection closed.
                tracing::debug!(%error, "engine shutdown");
            }
        });
        if let Err(error) = closed.await {
            tracing::error!(%error, "closing the engine panicked");
        }
    }
}

/// Nothing in this file panics while holding a lock, and a poisoned map of tickets is still a map.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
