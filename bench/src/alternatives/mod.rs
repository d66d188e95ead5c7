//! Nova, floors under it and other ways to serve a feed, in one run on the same data.

mod child;
mod clients;
mod contenders;
mod fan;
mod keys;
mod options;
mod plan;
mod race;
mod report;
mod run;
mod server;
mod sql;
mod summary;
mod table;
mod viewers;
mod warm;

pub use contenders::Contender;
pub use fan::{FanWrite, Filled};
pub use options::Options;
pub use report::{ContenderReport, Idle, Report, Setting};
pub use server::{ServeOptions, serve};
pub use sql::SqlSetup;
pub use summary::{Cpu, Goal, Phase};

use anyhow::bail;
use chrono::Utc;
use nova_loadtest::target::Target;
use nova_testbed::Provider;

/// Measures, prints a table, and writes `report.json`.
///
/// # Errors
/// When something could not be measured, an answer was wrong, or, with `--gate`, the goal is missed.
pub async fn run(options: Options) -> anyhow::Result<()> {
    options.check()?;
    let target = Target::open(options.stack.as_deref(), Provider::Processes).await?;
    let report = run::run(&options, &target).await;
    target.stop().await;
    let report = Report {
        at: Utc::now(),
        ..report?
    };
    crate::report::save_json(&options.report, "report.json", &report)?;
    println!("{}", table::render(&report));
    eprintln!("report: {}", options.report.join("report.json").display());
    let failures = report.failures();
    if !failures.is_empty() {
        bail!("not every answer was right:\n  {}", failures.join("\n  "));
    }
    match &report.goal {
        Some(goal) if !goal.held && options.gate => bail!("the goal is missed"),
        None if options.gate => bail!("the goal was not measured: it needs nova-hit and floor"),
        _ => Ok(()),
    }
}
