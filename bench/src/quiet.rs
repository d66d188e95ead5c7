//! Waits until the servers have nothing to do, and measures what they use then.

use std::time::Duration;

use nova_loadtest::resources::Watched;
use nova_testbed::poll_for;
use tokio::time::sleep;

use crate::process::{CLIENT, Meter, Spent};

/// After so much data was loaded, merges go on for a while.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_secs(3);
/// Cores of all servers together, below which they are called quiet.
const QUIET: f64 = 0.3;

/// Waits for it, in vain if it takes more than three minutes: then says so and goes on.
pub(crate) async fn settle(processes: &[Watched]) -> anyhow::Result<bool> {
    let settled = poll_for(PATIENCE, Duration::ZERO, || async {
        let spent = over(processes, LOOK)
            .await
            .map_err(|error| error.to_string())?;
        match cores(&spent) {
            Some(cores) if cores < QUIET => Ok(()),
            Some(cores) => Err(format!("the servers use {cores:.2} cores")),
            None => Err("a server is not there".to_owned()),
        }
    });
    match settled.await {
        Ok(()) => Ok(true),
        Err(late) => {
            eprintln!("not quiet: {late}");
            Ok(false)
        }
    }
}

/// What the processes use while nothing is asked of them.
pub(crate) async fn over(processes: &[Watched], time: Duration) -> anyhow::Result<Spent> {
    let meter = Meter::start(processes.to_vec()).await?;
    sleep(time).await;
    meter.stop().await
}

fn cores(spent: &Spent) -> Option<f64> {
    let seconds = spent.cpu_seconds_without(&[CLIENT])?;
    Some(seconds / spent.elapsed.as_secs_f64().max(f64::MIN_POSITIVE))
}
