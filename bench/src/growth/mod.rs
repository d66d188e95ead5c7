//! How Nova grows: latency of a miss with followees and with data, memory of Redis with users, lag with likes a second.

mod curves;
mod degrees;
mod followees;
mod lag;
mod memory;
mod misses;
mod options;
mod population;
mod report;
mod stack;
mod table;

pub use followees::FolloweesPoint;
pub use lag::{Backlog, Hop, LagReport, LagStep, Passed, Saturation};
pub use memory::{Kind, KindRow, MemoryPoint, MemoryReport};
pub use misses::Misses;
pub use options::{Options, Part};
pub use population::PopulationPoint;
pub use report::Report;

use anyhow::bail;
use chrono::Utc;
use nova_loadtest::data;
use nova_loadtest::target::Target;
use nova_simulate::bulk::Scale;
use nova_testbed::Provider;

use self::stack::Stack;
use crate::setting::Setting;

/// Measures, prints tables, and writes `report.json` and a file of CSV for each curve.
///
/// # Errors
/// When something could not be measured, an answer was wrong, or a like was lost.
pub async fn run(options: Options) -> anyhow::Result<()> {
    options.check()?;
    let target = Target::open(options.stack.as_deref(), Provider::Processes).await?;
    let report = Box::pin(measure(&options, &target)).await;
    target.stop().await;
    let mut report = report?;
    // What is measured is kept, whatever becomes of further stacks.
    report.save(&options.report)?;
    for scale in options.further_scales() {
        let point = Box::pin(population::measure_alone(&options, scale)).await?;
        report.population.push(point);
    }
    report.population.sort_by_key(|point| point.posts);
    report.at = Utc::now();
    report.save(&options.report)?;
    println!("{}", table::render(&report));
    eprintln!("report: {}", options.report.join("report.json").display());
    let failures = report.failures();
    if !failures.is_empty() {
        bail!(
            "not everything was as it should:\n  {}",
            failures.join("\n  ")
        );
    }
    Ok(())
}

/// All curves that one stack is enough for. Memory first: whose feeds are read for the others are kept too. Likes last:
/// they stay.
async fn measure(options: &Options, target: &Target) -> anyhow::Result<Report> {
    let scale = options.scale.or(target.is_own().then_some(Scale::S));
    let people = match scale {
        Some(scale) => data::load(target, scale.into(), options.seed).await?,
        None => data::arrived(target).await?,
    };
    let stack = Stack::new(options, target, &people).await?;
    let mut report = Report::new(options, Setting::of(options.seed, target.is_own(), &people));
    if options.wants(Part::Memory) {
        report.memory = Some(memory::measure(&stack).await?);
    }
    if options.wants(Part::Followees) {
        report.followees = followees::measure(&stack).await?;
    }
    if options.wants(Part::Population) {
        let size = scale.map_or("running".to_owned(), |scale| scale.to_string());
        report.population = vec![population::measure(size, &stack).await?];
    }
    if options.wants(Part::Followees) || options.wants(Part::Population) {
        stack.common.checks.finish(&stack.pool).await?;
    }
    if options.wants(Part::Lag) {
        report.lag = Some(Box::pin(lag::measure(&stack)).await?);
    }
    Ok(report)
}
