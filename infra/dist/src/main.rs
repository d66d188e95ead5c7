//! `nova-dist`: the package cache by hand.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::{Parser, Subcommand};
use nova_dist::{Cache, Component, Silent, Terminal};

/// Fetches and verifies the pinned packages of the real servers.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Downloads what is missing.
    Fetch,
    /// Prints where everything is, as JSON; fetches nothing.
    Paths,
    /// Reads all installed files again and compares their hashes.
    Verify,
    /// For maintainers, after changing a version: writes the SHA-256 lists of the Maven packages anew.
    Pin,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let cache = Cache::from_env()?;
    match Arguments::parse().action {
        Action::Fetch => {
            let start = Instant::now();
            nova_dist::ensure(&cache, &Terminal::new())?;
            eprintln!(
                "packages ready in {} ({:.0} ms)",
                cache.root().display(),
                start.elapsed().as_secs_f64() * 1000.0
            );
        }
        Action::Paths => {
            let mut out = std::io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &nova_dist::installed(&cache)?)?;
            writeln!(out)?;
        }
        Action::Verify => {
            for component in Component::ALL {
                let verified = nova_dist::verify(&cache, component)?;
                println!("{component}: {} files as installed", verified.files);
            }
        }
        Action::Pin => {
            let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("packages");
            let written = nova_dist::pin(&cache, &packages, &Silent).context("cannot pin")?;
            for list in written {
                println!("{}", list.display());
            }
        }
    }
    Ok(())
}
