//! The development stack by hand: real servers in the background, one command to start and one to stop them.

mod connector;
mod console;
mod control;
mod demo;
mod desk;
mod down;
mod fault;
mod place;
mod show;
mod status;
mod supervise;
mod up;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::place::Place;

/// Starts, shows and stops the servers that Nova stands on.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    /// Where the stack of this checkout keeps its state.
    #[arg(long, global = true, default_value = ".nova", env = "NOVA_STACK_DIR")]
    dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the stack in the background and return when all is ready.
    Up(up::UpArgs),
    /// Start a stack, load data, show a feed and a like on its way; stay up until Ctrl-C.
    Demo(demo::DemoArgs),
    /// Stop the stack and remove what it wrote.
    Down,
    /// Show each server: address, process, memory; and the pipeline.
    Status,
    /// Pause, resume, kill or restart one server.
    Fault(fault::FaultArgs),
    /// What `up` leaves in the background.
    #[command(hide = true)]
    Supervise(up::UpArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let place = Place::new(cli.dir);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("nova-devstack: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Up(arguments) => up::up(&place, &arguments).await,
            Command::Demo(arguments) => demo::demo(&place, &arguments).await,
            Command::Down => down::down(&place).await,
            Command::Status => status::status(&place).await,
            Command::Fault(arguments) => fault::fault(&place, &arguments).await,
            Command::Supervise(arguments) => supervise::supervise(&place, &arguments).await,
        }
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("nova-devstack: {error:#}");
            ExitCode::FAILURE
        }
    }
}
