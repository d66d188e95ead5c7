//! The server of floors and alternatives as a process of its own, so that what it uses can be told from what asks it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nova_loadtest::resources::Watched;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::contenders::SERVER;
use super::plan::Plan;

/// From its start until it listens, and from the end of its input until it has ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// It runs until [`Server::stop`], or until this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    /// `http://HOST:PORT`
    pub(super) address: String,
}

impl Server {
    /// Starts this program once more, as the server.
    pub(super) async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let mut process = Command::new(program)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the server of floors and alternatives")?;
        let listening = timeout(PATIENCE, tell(&mut process, plan)).await;
        let address =
            listening.context("the server of floors and alternatives is not up in time")??;
        Ok(Self { process, address })
    }

    pub(super) fn watched(&self) -> Watched {
        Watched {
            name: SERVER.to_owned(),
            pid: self.process.id(),
            children: true,
        }
    }

    /// Lets it end.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.process.stdin.take());
        match timeout(PATIENCE, self.process.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
            Ok(status) => bail!("the server of floors and alternatives: {}", status?),
            Err(_) => bail!("the server of floors and alternatives does not end"),
        }
    }
}

/// Gives it the plan; where it listens. Its input stays open: it ends with it.
async fn tell(process: &mut Child, plan: &Plan) -> anyhow::Result<String> {
    let mut line = serde_json::to_vec(plan)?;
    line.push(b'\n');
    let input = process.stdin.as_mut().context("its standard input")?;
    input
        .write_all(&line)
        .await
        .context("telling it the plan")?;
    input.flush().await?;
    let output = process.stdout.take().context("its standard output")?;
    let first = BufReader::new(output).lines().next_line().await?;
    let address = first.context("the server of floors and alternatives ended; see above")?;
    Ok(format!("http://{address}"))
}
