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
    /// Stopped in its tracks.
    pub(crate) paused: bool,
    /// Nothing when it answers, else what is wrong.
    pub(crate) trouble: Option<String>,
}

/// Whether a fault was done: `None`, or why not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) trouble: Option<String>,
}

impl Outcome {
    pub(crate) fn of(done: anyhow::Result<()>) -> Self {
        Self {
            trouble: done.err().map(|error| format!("{error:#}")),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The console of Nova speaks the same words (`services/api/src/console/control.rs`) and has no code in common.
    #[test]
    fn the_words_that_the_console_uses() {
        assert!(matches!(
            serde_json::from_str(r#"{"ask":"status"}"#).unwrap(),
            Request::Status
        ));
        let fault = r#"{"ask":"fault","kind":"pause","server":"redis"}"#;
        let Request::Fault { kind, server } = serde_json::from_str(fault).unwrap() else {
            panic!("not a fault");
        };
        assert!(matches!(kind, FaultKind::Pause) && server == "redis");

        let report = Report {
            phase: Phase::Ready,
            servers: vec![ServerReport {
                name: "redis".to_owned(),
                address: "redis://127.0.0.1:1".to_owned(),
                pid: Some(7),
                memory: Some(9_000),
                paused: true,
                trouble: Some("paused".to_owned()),
            }],
            pipeline: "running".to_owned(),
        };
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            concat!(
                r#"{"phase":"ready","servers":[{"name":"redis","address":"redis://127.0.0.1:1","pid":7,"memory":9000,"#,
                r#""paused":true,"trouble":"paused"}],"pipeline":"running"}"#
            )
        );
        let outcome = Outcome::of(Err(anyhow::anyhow!("why")));
        assert_eq!(
            serde_json::to_string(&outcome).unwrap(),
            r#"{"trouble":"why"}"#
        );
    }
}
