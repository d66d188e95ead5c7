//! What can be asked for on the command line.

use crate::{alternatives, growth, ingest};

/// Nova beside floors and alternatives.
#[derive(Debug, clap::Parser)]
#[command(name = "just bench", version, about)]
pub struct Options {
    /// What to measure.
    #[command(subcommand)]
    pub what: What,
}

/// The parts.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Nova, its floors, and other ways to serve a feed, in one run on the same data.
    Alternatives(alternatives::Options),
    /// Rows and events a second into ClickHouse, and how a backlog is worked off.
    Ingest(ingest::Options),
    /// How latency, memory and lag grow with followees, data, users and likes a second.
    Growth(growth::Options),
    /// The server of floors and alternatives; started by `alternatives`.
    #[command(hide = true)]
    Serve(alternatives::ServeOptions),
}

/// The options of one part, as a command line gives them.
#[cfg(test)]
pub(crate) fn parsed<O: clap::Args>(arguments: &[&str]) -> O {
    #[derive(Debug, clap::Parser)]
    struct Line<O: clap::Args> {
        #[command(flatten)]
        options: O,
    }

    let arguments = std::iter::once("bench").chain(arguments.iter().copied());
    <Line<O> as clap::Parser>::parse_from(arguments).options
}
