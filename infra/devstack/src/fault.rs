//! `fault`: disturbs one server, to see what the others make of it.

use std::{process::ExitCode, time::Instant};

use anyhow::bail;
use nova_testbed::Server;

use crate::{
    control::{Channel, FaultKind, Outcome, Request},
    place::Place,
};

/// Which server, and what happens to it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FaultArgs {
    kind: FaultKind,
    /// postgres, kafka, redis, clickhouse, connect or nova.
    server: Server,
}

pub(crate) async fn fault(place: &Place, arguments: &FaultArgs) -> anyhow::Result<ExitCode> {
    let request = Request::Fault {
        kind: arguments.kind,
        server: arguments.server.name().to_owned(),
    };
    let begun = Instant::now();
    let Some(mut channel) = Channel::ask(&place.socket(), &request).await? else {
        place.refuse_beside_demo()?;
        bail!("the stack is down");
    };
    if let Some(trouble) = channel.expect::<Outcome>().await?.trouble {
        bail!(trouble);
    }
    println!(
        "{}: done after {:.2} s",
        arguments.server,
        begun.elapsed().as_secs_f64()
    );
    Ok(ExitCode::SUCCESS)
}
