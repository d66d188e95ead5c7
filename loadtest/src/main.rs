//! `just load`: a stack, a population, a run, a report, a verdict.

use std::process::ExitCode;

use chrono::Utc;
use clap::Parser as _;
use nova_loadtest::attack::{self, Plan};
use nova_loadtest::data;
use nova_loadtest::options::Options;
use nova_loadtest::people::People;
use nova_loadtest::report::{Report, Setting};
use nova_loadtest::resources;
use nova_loadtest::target::Target;
use nova_loadtest::thresholds::judge;
use nova_runtime::{Env, LogConfig, telemetry};

/// Goose tells every failed request; they are counted and reported instead.
const LOGS: &str = "warn,goose=error";

#[tokio::main]
async fn main() -> ExitCode {
    match load(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn load(options: &Options) -> anyhow::Result<bool> {
    telemetry::init_logging(&LogConfig::from_env(&Env::from_pairs([(
        "NOVA_LOG", LOGS,
    )]))?)?;
    // Before anything is started: an option without sense is told at once.
    options.plan("", "")?;
    let target = Target::open(options.stack.as_deref(), options.provider.into()).await?;
    let passed = run(options, &target).await;
    target.stop().await;
    passed
}

async fn run(options: &Options, target: &Target) -> anyhow::Result<bool> {
    let people = match options.population(target.is_own()) {
        Some(population) => data::load(target, population, options.seed).await?,
        None => data::arrived(target).await?,
    };
    let endpoints = target.endpoints();
    let plan = options.plan(&endpoints.api, &endpoints.auth_secret)?;
    // The servers of an own stack run by now, and keep the turn they have.
    let first = tokio::task::spawn_blocking(nova_testbed::come_first).await?;
    let setting = setting(target, &plan, &people, first);
    eprintln!(
        "{:.0} feed reads, {:.0} likes, {:.1} posts a second; {:.0} s of warm-up, {:.0} s measured",
        plan.rates.reads,
        plan.rates.likes,
        plan.rates.posts,
        plan.phases.warm_up.as_secs_f64(),
        plan.phases.measured.as_secs_f64()
    );
    let mut watching = None;
    let summary = attack::run(&plan, people, |window| {
        let watch = resources::watch(target.processes(), window.from, window.to);
        watching = Some(tokio::spawn(watch));
    })
    .await?;
    let usage = match watching {
        Some(watching) => watching.await?,
        None => Vec::new(),
    };
    let judgement = judge(&summary, options.gate);
    let report = Report::new(Utc::now(), setting, summary, judgement, usage);
    report.save(&options.report)?;
    println!("{}", report.table());
    eprintln!(
        "reports: {}",
        options.report.join("report.{json,html}").display()
    );
    Ok(report.passed)
}

fn setting(target: &Target, plan: &Plan, people: &People, first: bool) -> Setting {
    let visits = plan.rates.visits(plan.deeper);
    Setting {
        stack: if target.is_own() { "own" } else { "running" }.to_owned(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        build: if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        }
        .to_owned(),
        first,
        users: people.users.len(),
        posts: people.all_posts,
        likes: people.all_likes,
        online: plan.habits.online(visits),
        gap: plan.habits.gap,
        visits: plan.habits.visits,
        warm_up: plan.phases.warm_up.as_secs_f64(),
        seed: plan.seed,
    }
}
