//! The supervisor of a development stack, asked over its socket: one line of JSON asks, one answers.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// A report asks every server whether it answers, which takes two seconds for one that does not.
const REPORT_DEADLINE: Duration = Duration::from_secs(6);
/// Stopping many processes in their tracks.
const FAULT_DEADLINE: Duration = Duration::from_secs(20);
/// Longest path that an address of a socket holds, less the end mark.
const MAX_PATH_BYTES: usize = 107;

#[derive(Serialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Request<'r> {
    Status,
    Fault { kind: Fault, server: &'r str },
}

/// What the console may do to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    Pause,
    Resume,
}

/// What the supervisor says of the stack.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) servers: Vec<ServerReport>,
    /// The state of the connector, in words.
    pub(super) pipeline: String,
}

/// One server of it.
#[derive(Debug, Deserialize)]
pub(super) struct ServerReport {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) pid: Option<u32>,
    /// In bytes.
    pub(super) memory: Option<u64>,
    #[serde(default)]
    pub(super) paused: bool,
    /// Nothing when it answers, else what is wrong.
    pub(super) trouble: Option<String>,
}

#[derive(Deserialize)]
struct Outcome {
    trouble: Option<String>,
}

/// Why the supervisor gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlError {
    #[error("the supervisor cannot be reached")]
    Unreachable(#[from] io::Error),
    #[error("the supervisor does not answer")]
    Late(#[from] tokio::time::error::Elapsed),
    #[error("the supervisor's answer is not understood")]
    Answer(#[from] serde_json::Error),
    #[error("{0}")]
    Refused(String),
}

/// The state of all servers.
pub(super) async fn report(socket: &Path) -> Result<Report, ControlError> {
    tokio::time::timeout(REPORT_DEADLINE, ask(socket, &Request::Status)).await?
}

/// Pauses a server or lets it go on; done when this returns.
pub(super) async fn fault(socket: &Path, kind: Fault, server: &str) -> Result<(), ControlError> {
    let request = Request::Fault { kind, server };
    let outcome: Outcome = tokio::time::timeout(FAULT_DEADLINE, ask(socket, &request)).await??;
    outcome
        .trouble
        .map_or(Ok(()), |trouble| Err(ControlError::Refused(trouble)))
}

async fn ask<T: DeserializeOwned>(socket: &Path, request: &Request<'_>) -> Result<T, ControlError> {
    let mut stream = connect(socket).await?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    let answer = BufReader::new(&mut stream).lines().next_line().await?;
    Ok(serde_json::from_str(&answer.unwrap_or_default())?)
}

/// Checkouts lie deep, and an address of a socket is short: the open directory stands in for its path.
async fn connect(socket: &Path) -> io::Result<UnixStream> {
    let (Some(directory), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    if socket.as_os_str().len() <= MAX_PATH_BYTES {
        return UnixStream::connect(socket).await;
    }
    let open = File::open(directory)?;
    let short = Path::new("/proc/self/fd")
        .join(open.as_raw_fd().to_string())
        .join(name);
    UnixStream::connect(short).await
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    /// A supervisor that is asked once; gives what it was asked.
    async fn once(
        directory: &Path,
        name: &str,
        answer: &'static str,
    ) -> tokio::task::JoinHandle<String> {
        // Bound by a short name, as the supervisor does from the checkout's directory.
        let short = std::env::temp_dir().join(format!("nova-{}-{name}", std::process::id()));
        let listener = UnixListener::bind(&short).unwrap();
        std::fs::rename(&short, directory.join(name)).unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let asked = BufReader::new(read).lines().next_line().await.unwrap();
            write.write_all(answer.as_bytes()).await.unwrap();
            asked.unwrap()
        })
    }

    fn directory(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("nova-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[tokio::test]
    async fn a_report_is_read_however_deep_the_checkout_is() {
        let parent = directory("deep");
        let deep = parent.join("d".repeat(120));
        std::fs::create_dir_all(&deep).unwrap();
        let answer = concat!(
            r#"{"phase":"ready","servers":[{"name":"redis","address":"redis://127.0.0.1:1","pid":7,"memory":9000,"#,
            r#""paused":true,"trouble":"paused"}],"pipeline":"running"}"#,
            "\n"
        );
        let supervisor = once(&deep, "control.sock", answer).await;
        let report = report(&deep.join("control.sock")).await.unwrap();
        assert_eq!(supervisor.await.unwrap(), r#"{"ask":"status"}"#);
        assert!(report.servers[0].paused);
        assert_eq!(report.pipeline, "running");
        std::fs::remove_dir_all(parent).unwrap();
    }

    #[tokio::test]
    async fn a_fault_that_was_refused_says_why() {
        let place = directory("fault");
        let supervisor = once(&place, "c.sock", "{\"trouble\":\"it is not running\"}\n").await;
        let socket = place.join("c.sock");
        let refused = fault(&socket, Fault::Pause, "redis").await.unwrap_err();
        assert_eq!(refused.to_string(), "it is not running");
        assert_eq!(
            supervisor.await.unwrap(),
            r#"{"ask":"fault","kind":"pause","server":"redis"}"#
        );
        assert!(matches!(
            fault(&socket, Fault::Resume, "redis").await,
            Err(ControlError::Unreachable(_))
        ));
        std::fs::remove_dir_all(place).unwrap();
    }
}
