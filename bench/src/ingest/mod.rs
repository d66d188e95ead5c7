//! How fast changes get from PostgreSQL, and events from clients, to ClickHouse.

mod backlog;
mod bench;
mod equality;
mod events;
mod goal;
mod options;
mod reads;
mod report;
mod rows;
mod sender;
mod table;

pub use backlog::BacklogReport;
pub use equality::Equality;
pub use events::EventsReport;
pub use goal::{Bottleneck, Goal};
pub use options::{Options, Part};
pub use reads::ReadsReport;
pub use report::Report;
pub use rows::RowsReport;

use anyhow::bail;
use nova_loadtest::data;
use nova_loadtest::target::Target;
use nova_simulate::bulk::Scale;
use nova_testbed::Provider;

use self::bench::Bench;
use crate::setting::Setting;

/// Measures, prints tables, and writes `report.json`.
///
/// # Errors
/// When something could not be measured, a count was wrong, or, with `--gate`, a goal is missed.
pub async fn run(options: Options) -> anyhow::Result<()> {
    options.check()?;
    let target = Target::open(options.stack.as_deref(), Provider::Processes).await?;
    let report = Box::pin(measure(&options, &target)).await;
    target.stop().await;
    let report = report?;
    crate::report::save_json(&options.report, "report.json", &report)?;
    println!("{}", table::render(&report));
    eprintln!("report: {}", options.report.join("report.json").display());
    let failures = report.failures();
    if !failures.is_empty() {
        bail!(
            "not everything arrived as it should:\n  {}",
            failures.join("\n  ")
        );
    }
    if options.gate && report.goals.iter().any(|goal| !goal.held) {
        bail!("a goal is missed");
    }
    Ok(())
}

async fn measure(options: &Options, target: &Target) -> anyhow::Result<Report> {
    let population = options.scale.or(target.is_own().then_some(Scale::S));
    let people = match population {
        Some(scale) => data::load(target, scale.into(), options.seed).await?,
        None => data::arrived(target).await?,
    };
    let bench = Bench::new(options, target, &people).await?;
    let mut report = Report::new(Setting::of(options.seed, target.is_own(), &people));
    if options.wants(Part::Rows) {
        report.rows(rows::checked(&bench).await?);
    }
    if options.wants(Part::Unchecked) {
        report.unchecked(rows::unchecked(&bench).await?);
    }
    if options.wants(Part::Events) {
        report.events(events::measure(&bench).await?);
    }
    if options.wants(Part::Backlog) {
        report.backlog(backlog::measure(&bench).await?);
    }
    Ok(report)
}
