//! The client: a connection for short exchanges and one for long ones, a deadline on every exchange, and what it costs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo as _, Pipeline, Value};
use tokio::time::Instant;
use url::Url;

use crate::error::CacheError;
use crate::link::{Link, Live};
use crate::metrics::{self, Operation};

/// A bulk write (up to [`crate::batch::MOST_COMMANDS`] commands) may take so many times the time of a read.
const BULK_DEADLINES: u32 = 5;

/// An exchange of more commands than this is a long one: the counters of a ranking, a bulk write. Answers on a connection come in
/// the order of the questions, and a page of 100 items, some 200 commands, is not to wait for those of 900.
const LONG: usize = 250;

/// Where Redis is, and how long it may take. `Debug` shows no password.
#[derive(Clone)]
pub struct CacheConfig {
    /// `redis://[user:password@]host:port[/database]`, or `rediss://…` for TLS.
    pub url: Url,
    /// Deadline of one round trip.
    pub response_timeout: Duration,
    /// Deadline of one attempt to connect.
    pub connect_timeout: Duration,
}

impl CacheConfig {
    /// The defaults: 200 ms for an answer, 500 ms for a connection.
    #[must_use]
    pub const fn new(url: Url) -> Self {
        Self {
            url,
            response_timeout: Duration::from_millis(200),
            connect_timeout: Duration::from_millis(500),
        }
    }
}

impl fmt::Debug for CacheConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheConfig")
            .field("host", &self.url.host_str())
            .field("port", &self.url.port())
            .field("response_timeout", &self.response_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// What a cache has sent since it was made, all clones together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Pipelines sent and waited for.
    pub round_trips: u64,
    /// Commands in them.
    pub commands: u64,
}

/// The connections, by what they are for.
#[derive(Clone)]
struct Lanes {
    short: Arc<Link>,
    long: Arc<Link>,
}

impl Lanes {
    /// The connection for so many commands.
    fn of(&self, commands: usize) -> &Arc<Link> {
        if commands > LONG {
            &self.long
        } else {
            &self.short
        }
    }

    /// Gives up a connection that failed, and the other one with it: it leads to the same server, and would only find out later.
    fn lost(&self, lane: &Arc<Link>, live: &Arc<Live>, reason: &str) {
        if lane.lost(live, reason) {
            for other in [&self.short, &self.long] {
                other.renew(reason);
            }
        }
    }
}

#[derive(Default)]
struct Counts {
    round_trips: AtomicU64,
    commands: AtomicU64,
}

/// Redis as Nova sees it. Cheap to clone; all clones share the two connections.
#[derive(Clone)]
pub struct Cache {
    lanes: Lanes,
    counts: Arc<Counts>,
    response_timeout: Duration,
}

impl Cache {
    /// Makes the client; it connects when it is used. A lost connection is made again in the background, and calls fail
    /// at once until it is. Connections are driven by the runtime that the client is made in, if there is one, whoever uses
    /// it: make it where its answers are waited for, and let that runtime live as long as it does.
    ///
    /// # Errors
    /// [`CacheError::Address`] when the address is not one of Redis.
    pub fn new(config: &CacheConfig) -> Result<Self, CacheError> {
        let refuse = |_| CacheError::Address {
            reason: "must look like redis://user:password@host:port/0",
        };
        if config.url.scheme() == "rediss" {
            install_crypto();
        }
        let info = config.url.clone().into_connection_info().map_err(refuse)?;
        // With Nagle's algorithm the second half of a large request waits 40 ms for a delayed acknowledgement.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = Client::open(info).map_err(refuse)?;
        let link = || {
            Link::new(
                client.clone(),
                config.connect_timeout,
                config.response_timeout,
            )
        };
        let lanes = Lanes {
            short: link(),
            long: link(),
        };
        Ok(Self {
            lanes,
            counts: Arc::default(),
            response_timeout: config.response_timeout,
        })
    }

    /// Whether Redis answers. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when it does not.
    pub async fn ping(&self) -> Result<(), CacheError> {
        let mut ping = Pipeline::with_capacity(1);
        ping.cmd("PING");
        match self.read(Operation::PING, &ping).await?.pop() {
            Some(Value::ServerError(error)) => Err(CacheError::of_command(&error)),
            _ => Ok(()),
        }
    }

    /// Round trips since the cache was made, all clones together. Connecting is not counted.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.traffic().round_trips
    }

    /// Round trips and commands since the cache was made, all clones together. Connecting is not counted.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic {
            round_trips: self.counts.round_trips.load(Ordering::Relaxed),
            commands: self.counts.commands.load(Ordering::Relaxed),
        }
    }

    /// One round trip with the deadline of a read: one answer per command, errors of single commands among them.
    pub(crate) async fn read(
        &self,
        operation: Operation,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, CacheError> {
        self.exchange(operation, commands, self.response_timeout)
            .await
    }

    /// As [`Cache::read`], with the deadline of a bulk write.
    pub(crate) async fn bulk(
        &self,
        operation: Operation,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, CacheError> {
        let deadline = self.response_timeout * BULK_DEADLINES;
        self.exchange(operation, commands, deadline).await
    }

    async fn exchange(
        &self,
        operation: Operation,
        commands: &Pipeline,
        deadline: Duration,
    ) -> Result<Vec<Value>, CacheError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.exchange_live(operation, commands, deadline).await;
        if let Err(error) = &answer {
            metrics::failed(operation, error);
        }
        answer
    }

    async fn exchange_live(
        &self,
        operation: Operation,
        commands: &Pipeline,
        deadline: Duration,
    ) -> Result<Vec<Value>, CacheError> {
        let count = commands.len();
        let lane = self.lanes.of(count);
        let live = lane.get().await?;
        self.counts.round_trips.fetch_add(1, Ordering::Relaxed);
        self.counts
            .commands
            .fetch_add(count as u64, Ordering::Relaxed);
        let started = Instant::now();
        let answer = live
            .handle(deadline)
            .send_packed_commands(commands, 0, count)
            .await;
        metrics::round_trip(operation, count, started.elapsed());
        match answer {
            Ok(replies) => {
                live.heard_now();
                // A replica that was the master yesterday answers, but takes no writes: another address is needed.
                if replies.iter().any(is_read_only) {
                    self.lanes.lost(lane, &live, "the server takes no writes");
                }
                Ok(replies)
            }
            Err(error) => {
                let failure = CacheError::of_exchange(&error, deadline);
                let lost = match &failure {
                    CacheError::Unavailable { .. } => true,
                    // One late answer is load; a connection on which nobody heard anything for a whole deadline is
                    // dead, though its socket may look alive for minutes.
                    CacheError::Timeout { .. } => live.silent_since(started),
                    _ => false,
                };
                if lost {
                    self.lanes.lost(lane, &live, &failure.to_string());
                }
                Err(failure)
            }
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("traffic", &self.traffic())
            .finish_non_exhaustive()
    }
}

fn is_read_only(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if error.kind() == Some(redis::ServerErrorKind::ReadOnly))
}

/// TLS needs one provider of cryptography per process; the first one wins.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else was first: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
