//! `up`: provisions, starts the supervisor, waits with it until all is ready.

use std::{
    fs::File,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{
    control::{Channel, Phase, Request, State},
    place::Place,
    show,
};

/// How long the supervisor may take to listen; it does nothing before that.
const LISTENING: Duration = Duration::from_secs(20);

/// What to start.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UpArgs {
    /// Only the servers Nova stands on: no schema, no connector, no API.
    #[arg(long)]
    pub(crate) no_nova: bool,
}

pub(crate) async fn up(place: &Place, arguments: &UpArgs) -> anyhow::Result<ExitCode> {
    place.create()?;
    place.refuse_beside_demo()?;
    if let Some(channel) = Channel::ask(&place.socket(), &Request::Follow).await? {
        return already_up(place, channel).await;
    }
    if place.lock()?.is_none() {
        bail!(
            "a stack is being stopped in {}; try again",
            place.root().display()
        );
    }
    provision().await?;
    let mut supervisor = spawn(place, arguments)?;
    let channel = connect(place, &mut supervisor).await?;
    tokio::select! {
        ended = follow(place, channel) => ended,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("Interrupted: stopping what was started.");
            crate::down::down(place).await?;
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn already_up(place: &Place, mut channel: Channel) -> anyhow::Result<ExitCode> {
    let state: State = channel.expect().await?;
    match state.phase {
        Phase::Ready => {
            println!("The stack is already up.");
            show::ready(&state, &place.endpoints().display().to_string());
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            println!("The stack is already being started or stopped; waiting for that.");
            follow(place, channel).await
        }
    }
}

/// Fetches missing packages here, in front of the person who waits, and not in the background.
async fn provision() -> anyhow::Result<()> {
    let fetched = tokio::task::spawn_blocking(|| {
        let cache = nova_dist::Cache::from_env()?;
        nova_dist::ensure(&cache, &nova_dist::Terminal::new())
    });
    fetched.await?.context("fetching the servers")?;
    Ok(())
}

fn spawn(place: &Place, arguments: &UpArgs) -> anyhow::Result<Child> {
    let log =
        File::create(place.log()).with_context(|| format!("writing {}", place.log().display()))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--dir").arg(place.root()).arg("supervise");
    if arguments.no_nova {
        command.arg("--no-nova");
    }
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("starting the supervisor")
}

async fn connect(place: &Place, supervisor: &mut Child) -> anyhow::Result<Channel> {
    let begun = Instant::now();
    while begun.elapsed() < LISTENING {
        if let Some(channel) = Channel::ask(&place.socket(), &Request::Follow).await? {
            return Ok(channel);
        }
        if let Some(status) = supervisor.try_wait()? {
            let lines = nova_testbed::tail(&place.log(), 20).join("\n");
            bail!("the supervisor ended with {status}:\n{lines}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!(
        "the supervisor does not listen on {}",
        place.socket().display()
    )
}

/// Prints each server as it gets ready.
async fn follow(place: &Place, mut channel: Channel) -> anyhow::Result<ExitCode> {
    let mut shown = 0;
    while let Some(state) = channel.receive::<State>().await? {
        for (server, seconds) in state.ready.iter().skip(shown) {
            println!("  {server:<12} ready after {seconds:.1} s");
        }
        shown = state.ready.len();
        match &state.phase {
            Phase::Starting | Phase::Stopping => {}
            Phase::Ready => {
                println!();
                show::ready(&state, &place.endpoints().display().to_string());
                return Ok(ExitCode::SUCCESS);
            }
            Phase::Failed(error) => {
                eprintln!("\nThe stack did not start. {error}\n");
                eprintln!(
                    "Logs of all servers: {}",
                    place.run().join("logs").display()
                );
                return Ok(ExitCode::FAILURE);
            }
            Phase::Stopped => bail!("the stack was stopped"),
        }
    }
    let lines = nova_testbed::tail(&place.log(), 20).join("\n");
    bail!("the supervisor ended without a word:\n{lines}")
}
