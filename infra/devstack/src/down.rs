//! `down`: stops the stack, in good order where it can, and waits until it is gone.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::bail;

use crate::{
    control::{Channel, Phase, Request, State},
    place::Place,
};

/// The servers get ten seconds each, side by side, or forty while they record their class archives.
const PATIENCE: Duration = Duration::from_secs(75);

pub(crate) async fn down(place: &Place) -> anyhow::Result<ExitCode> {
    if !place.root().exists() {
        println!("Nothing is up.");
        return Ok(ExitCode::SUCCESS);
    }
    // It answers on the same socket, but ends with its terminal.
    place.refuse_beside_demo()?;
    let begun = Instant::now();
    let asked = Channel::ask(&place.socket(), &Request::Stop).await?;
    let was_up = asked.is_some();
    if let Some(channel) = asked {
        let ended = tokio::time::timeout(PATIENCE, last_state(channel)).await;
        if ended.is_err() {
            bail!(
                "the stack does not stop; its supervisor says:\n{}",
                nova_testbed::tail(&place.log(), 20).join("\n")
            );
        }
    }
    // The supervisor lets go of the lock when the last trace is gone.
    let lock = loop {
        if let Some(lock) = place.lock()? {
            break lock;
        }
        if begun.elapsed() > PATIENCE {
            bail!(
                "the supervisor still runs; its log is {}",
                place.log().display()
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // What a supervisor left that was killed, or logs of a start that failed.
    place.forget_stack();
    place.remove_run()?;
    drop(lock);
    if was_up {
        println!("Stopped after {:.1} s.", begun.elapsed().as_secs_f64());
    } else {
        println!("Nothing is up.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn last_state(mut channel: Channel) -> anyhow::Result<()> {
    while let Some(state) = channel.receive::<State>().await? {
        if matches!(state.phase, Phase::Stopped | Phase::Failed(_)) {
            break;
        }
    }
    Ok(())
}
