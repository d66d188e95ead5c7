//! `status`: what runs, and whether it answers.

use std::process::ExitCode;

use crate::{
    control::{Channel, Phase, Report, Request},
    place::Place,
    show,
};

/// Exits with success only when every server answers.
pub(crate) async fn status(place: &Place) -> anyhow::Result<ExitCode> {
    let Some(mut channel) = Channel::ask(&place.socket(), &Request::Status).await? else {
        place.refuse_beside_demo()?;
        println!("The stack is down.");
        return Ok(ExitCode::FAILURE);
    };
    let report: Report = channel.expect().await?;
    match &report.phase {
        Phase::Ready => {}
        phase => {
            println!("The stack is not ready: {phase:?}");
            return Ok(ExitCode::FAILURE);
        }
    }
    show::servers(&report.servers);
    println!("{}", report.pipeline);
    if report.servers.iter().all(|server| server.trouble.is_none()) {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}
