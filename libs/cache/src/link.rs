//! A connection to Redis: made when first used, and made again in the background when it is lost.
//!
//! Calls never queue for a server that is down: while it is being reconnected to, they fail at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rand::Rng as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Value};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::error::CacheError;
use crate::{metrics, scripts};

/// Pause after the first attempt that failed; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause between two attempts: the most that a recovered Redis waits for Nova, besides one attempt.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Requests waiting for the socket. More than this wait for a place, within their deadline.
const BUFFERED_REQUESTS: usize = 256;

/// A connection that worked when it was made.
pub(crate) struct Live {
    connection: MultiplexedConnection,
    made: Instant,
    /// When something was last heard on it, in microseconds since `made`.
    heard: AtomicU64,
}

impl Live {
    /// A handle with a deadline of its own.
    pub(crate) fn handle(&self, deadline: Duration) -> MultiplexedConnection {
        let mut handle = self.connection.clone();
        handle.set_response_timeout(deadline);
        handle
    }

    pub(crate) fn heard_now(&self) {
        self.heard
            .fetch_max(micros(self.made.elapsed()), Ordering::Relaxed);
    }

    /// Whether nothing at all has been heard since.
    pub(crate) fn silent_since(&self, then: Instant) -> bool {
        self.heard.load(Ordering::Relaxed) < micros(then.saturating_duration_since(self.made))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[derive(Clone)]
enum State {
    /// Nobody has asked yet.
    Idle,
    /// The first attempt is under way: callers wait for it.
    First,
    Up(Arc<Live>),
    /// Attempts go on in the background.
    Down(Arc<str>),
}

/// How to connect.
#[derive(Clone)]
struct Address {
    client: Client,
    config: AsyncConnectionConfig,
    connect_timeout: Duration,
    response_timeout: Duration,
}

/// One of the connections of a cache.
pub(crate) struct Link {
    address: Address,
    state: watch::Sender<State>,
    /// Where the connection is driven, whoever's call finds it lost; where there is none, on the runtime of the first caller.
    runtime: Option<Handle>,
}

impl Link {
    pub(crate) fn new(
        client: Client,
        connect_timeout: Duration,
        response_timeout: Duration,
    ) -> Arc<Self> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect_timeout))
            .set_response_timeout(Some(response_timeout))
            .set_pipeline_buffer_size(BUFFERED_REQUESTS);
        let address = Address {
            client,
            config,
            connect_timeout,
            response_timeout,
        };
        Arc::new(Self {
            address,
            state: watch::Sender::new(State::Idle),
            runtime: Handle::try_current().ok(),
        })
    }

    /// The connection. Waits for the very first attempt only, at most for the connect timeout.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`] while there is none.
    pub(crate) async fn get(self: &Arc<Self>) -> Result<Arc<Live>, CacheError> {
        if let Some(known) = self.known() {
            return known;
        }
        let begun = self.state.send_if_modified(|state| {
            let idle = matches!(state, State::Idle);
            if idle {
                *state = State::First;
            }
            idle
        });
        if begun {
            self.connect_in_background();
        }
        let mut states = self.state.subscribe();
        let settled = states.wait_for(|state| !matches!(state, State::Idle | State::First));
        // The attempt has this deadline itself; a runtime that is shut down ends it without a word.
        let settled = timeout(self.address.connect_timeout * 2, settled).await;
        if !matches!(settled, Ok(Ok(_))) {
            return Err(unavailable("no connection yet"));
        }
        self.known()
            .unwrap_or_else(|| Err(unavailable("no connection yet")))
    }

    fn known(&self) -> Option<Result<Arc<Live>, CacheError>> {
        match &*self.state.borrow() {
            State::Up(live) => Some(Ok(Arc::clone(live))),
            State::Down(reason) => Some(Err(unavailable(reason))),
            State::Idle | State::First => None,
        }
    }

    /// Gives up a connection that failed, unless somebody did before: whether it was given up.
    pub(crate) fn lost(self: &Arc<Self>, live: &Arc<Live>, reason: &str) -> bool {
        self.give_up(reason, |current| Arc::ptr_eq(current, live))
    }

    /// Makes the connection anew, if there is one. Who uses it goes on with the old one.
    pub(crate) fn renew(self: &Arc<Self>, reason: &str) {
        self.give_up(reason, |_| true);
    }

    fn give_up(self: &Arc<Self>, reason: &str, which: impl FnOnce(&Arc<Live>) -> bool) -> bool {
        let given_up = self.state.send_if_modified(|state| match state {
            State::Up(current) if which(current) => {
                *state = State::Down(reason.into());
                true
            }
            _ => false,
        });
        if given_up {
            metrics::connected(false);
            tracing::warn!(reason, "the connection to Redis is lost");
            self.connect_in_background();
        }
        given_up
    }

    /// One task at a time: only the change to `First`, and from `Up` to `Down`, starts one, and it ends at `Up`.
    fn connect_in_background(self: &Arc<Self>) {
        let link = Arc::downgrade(self);
        let address = self.address.clone();
        let connecting = connect_until_up(link, address);
        match &self.runtime {
            Some(runtime) => runtime.spawn(connecting),
            None => tokio::spawn(connecting),
        };
    }
}

/// Attempts until one succeeds or the cache is dropped: a Redis that is down for an hour is still waited for.
async fn connect_until_up(link: Weak<Link>, address: Address) {
    let mut pause = FIRST_PAUSE;
    loop {
        let attempt = connect(&address).await;
        metrics::connect_attempt(attempt.is_ok());
        let Some(link) = link.upgrade() else { return };
        match attempt {
            Ok(live) => {
                metrics::connected(true);
                tracing::info!("connected to Redis");
                link.state.send_replace(State::Up(Arc::new(live)));
                return;
            }
            Err(error) => {
                tracing::debug!(%error, "no connection to Redis");
                link.state
                    .send_replace(State::Down(error.to_string().into()));
            }
        }
        drop(link);
        // Jitter: the processes of a fleet do not come back in step.
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..=1.0));
        sleep(jittered).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A connection on which every script is loaded.
async fn connect(address: &Address) -> redis::RedisResult<Live> {
    let mut connection = address
        .client
        .get_multiplexed_async_connection_with_config(&address.config)
        .await?;
    let load = scripts::load_all();
    connection.set_response_timeout(address.connect_timeout);
    let replies = connection
        .send_packed_commands(&load, 0, load.len())
        .await?;
    if let Some(Value::ServerError(error)) = replies
        .into_iter()
        .find(|reply| matches!(reply, Value::ServerError(_)))
    {
        return Err(error.into());
    }
    connection.set_response_timeout(address.response_timeout);
    Ok(Live {
        connection,
        made: Instant::now(),
        heard: AtomicU64::new(0),
    })
}

fn unavailable(reason: &str) -> CacheError {
    CacheError::Unavailable {
        reason: reason.to_owned(),
    }
}
