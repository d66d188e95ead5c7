//! How the commands talk to the supervisor: one line of JSON asks, lines of JSON answer, on a socket in `.nova`.

use std::path::Path;

use anyhow::{Context as _, bail};
use nova_testbed::Endpoints;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// What can be asked of a supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Request {
    /// The state now and at each change, until the stack is ready, has failed or has stopped.
    Follow,
    /// One [`Report`].
    Status,
    /// Stop everything; answers as `Follow`.
    Stop,
    /// Disturb one server; answers with one [`Outcome`].
    Fault {
        /// What to do to it.
        kind: FaultKind,
        /// Its name.
        server: String,
    },
}

/// What can be done to a server.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// Stop it in its tracks: connections stay, answers do not come.
    Pause,
    /// Let it go on.
    Resume,
    /// kill -9; address and data stay.
    Kill,
    /// Start it again at the same address.
    Restart,
}

/// How far the stack is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// The servers that are ready, with the seconds each took.
    pub(crate) ready: Vec<(String, f64)>,
    /// Seconds from the start until all were ready.
    pub(crate) seconds: f64,
    pub(crate) endpoints: Option<Endpoints>,
}

/// The stages of a stack's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Starting,
    Ready,
    Failed(String),
    Stopping,
    Stopped,
}

/// What `status` shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) phase: Phase,
    pub(crate) servers: Vec<ServerReport>,
    pub(crate) pipeline: String,
}

/// One server in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerReport {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) pid: Option<u32>,
    pub(crate) memory: Option<u64>,
    /// Nothing when it answers, else what is wrong.
    pub(crate) trouble: Option<String>,
}

/// Whether a fault was done: `None`, or why not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) trouble: Option<String>,
}

/// One end of the socket: lines of JSON both ways.
pub(crate) struct Channel {
    lines: Lines<BufReader<OwnedReadHalf>>,
    out: OwnedWriteHalf,
}

impl Channel {
    pub(crate) fn new(stream: UnixStream) -> Self {
        let (read, out) = stream.into_split();
        Self {
            lines: BufReader::new(read).lines(),
            out,
        }
    }

    /// Connects and asks. `None` when no supervisor listens.
    pub(crate) async fn ask(socket: &Path, request: &Request) -> anyhow::Result<Option<Self>> {
        let Ok(stream) = UnixStream::connect(socket).await else {
            return Ok(None);
        };
        let mut channel = Self::new(stream);
        channel.send(request).await?;
        Ok(Some(channel))
    }

    pub(crate) async fn send<T: Serialize>(&mut self, message: &T) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(message)?;
        line.push('\n');
        self.out
            .write_all(line.as_bytes())
            .await
            .context("writing to the control socket")
    }

    /// The next message, `None` at the end.
    pub(crate) async fn receive<T: DeserializeOwned>(&mut self) -> anyhow::Result<Option<T>> {
        match self.lines.next_line().await? {
            None => Ok(None),
            Some(line) => Ok(Some(
                serde_json::from_str(&line).context("reading from the control socket")?,
            )),
        }
    }

    /// The one message that must come.
    pub(crate) async fn expect<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        match self.receive().await? {
            Some(message) => Ok(message),
            None => bail!("the supervisor of the stack ended without an answer"),
        }
    }
}
