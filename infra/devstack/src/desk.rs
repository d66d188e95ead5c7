//! What can be asked of running servers: how they are, and to disturb one. The supervisor answers it, and so does a
//! demonstration.

use std::fs;
use std::time::Duration;

use anyhow::bail;
use futures::stream::{FuturesUnordered, StreamExt as _};
use nova_testbed::{Server, Stack};
use tokio::net::{UnixListener, UnixStream};

use crate::control::{Channel, FaultKind, Outcome, Phase, Report, Request, ServerReport};
use crate::{connector, show};

/// Answers under way at once; more wait in the socket's queue.
const MAX_ANSWERS: usize = 32;
/// After an error that is not one connection's own.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Asks every server whether it answers; takes two seconds when one does not.
pub(crate) async fn report(stack: &Stack, phase: Phase) -> Report {
    let servers = futures::future::join_all(stack.servers().into_iter().map(|server| async move {
        let pid = stack.pid(server);
        let paused = pid.is_some_and(is_paused);
        ServerReport {
            name: server.name().to_owned(),
            address: show::address(server, stack.endpoints()),
            pid,
            memory: stack.memory(server),
            paused,
            trouble: if paused {
                // It would be waited for in vain.
                Some("paused".to_owned())
            } else {
                stack.check(server).await.err()
            },
        }
    }));
    let (servers, pipeline) = tokio::join!(servers, connector::state(&stack.endpoints().connect));
    Report {
        phase,
        servers,
        pipeline,
    }
}

/// Disturbs one server.
pub(crate) async fn fault(stack: &Stack, kind: FaultKind, server: &str) -> anyhow::Result<()> {
    let server: Server = server.parse()?;
    match kind {
        FaultKind::Pause => stack.pause(server).await,
        FaultKind::Resume => stack.resume(server).await,
        FaultKind::Kill => stack.kill(server).await,
        FaultKind::Restart => stack.restart(server).await,
    }?;
    Ok(())
}

/// Answers for a stack that is up and has no supervisor, until dropped.
pub(crate) async fn serve(listener: &UnixListener, stack: &Stack) -> std::convert::Infallible {
    let mut answers = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if answers.len() < MAX_ANSWERS => match accepted {
                Ok((stream, _)) => answers.push(answer(stack, stream)),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            // One that failed has lost its client.
            Some(_) = answers.next() => {}
        }
    }
}

async fn answer(stack: &Stack, stream: UnixStream) -> anyhow::Result<()> {
    let mut channel = Channel::new(stream);
    match channel.expect::<Request>().await? {
        Request::Status => channel.send(&report(stack, Phase::Ready).await).await,
        Request::Fault { kind, server } => {
            let done = fault(stack, kind, &server).await;
            channel.send(&Outcome::of(done)).await
        }
        Request::Follow | Request::Stop => bail!("a demonstration ends with its terminal"),
    }
}

/// Whether the kernel has stopped a process (state `T`).
fn is_paused(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything.
    stat.rsplit_once(") ")
        .is_some_and(|(_, after)| after.starts_with('T'))
}
