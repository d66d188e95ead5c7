//! `nova jobs`: what is done again and again, and one of it by hand.

mod api_feed;
mod setting;

use std::convert::Infallible;
use std::time::Duration;

use anyhow::bail;
use nova_feed::discovery;
use nova_jobs::{JobName, Outcome, Report, run_once};
use nova_olap::Turns;
use nova_runtime::{Env, HealthCheck, Shutdown};
use tokio::time::{Instant, sleep};

use self::setting::Setting;
use crate::commands::serve;

/// How long work behind answers may go on when the jobs have ended.
const DRAIN: Duration = Duration::from_secs(1);

/// How often a lock that another process holds is asked for.
const LOCK_INTERVAL: Duration = Duration::from_secs(1);

/// All of them, or one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Run one job now, once; exits with 1 unless it succeeds.
    Run {
        /// HotPostGenerator, SuggestedUsersGenerator, FeedCacheWarmer or FreshnessProbe.
        name: JobName,
        /// Wait so long for another process that is running it.
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        wait: u64,
    },
}

pub(crate) async fn run(env: &Env, args: &Args) -> anyhow::Result<()> {
    match args.action {
        Some(Action::Run { name, wait }) => run_one(env, name, Duration::from_secs(wait)).await,
        None => {
            let mut process = serve::Process::start()?;
            let checks = spawn(env, &mut process)?;
            process.run(env, checks).await
        }
    }
}

/// Adds the scheduler to a process, and says what it needs to do its work.
pub(crate) fn spawn(env: &Env, process: &mut serve::Process) -> anyhow::Result<Vec<HealthCheck>> {
    nova_jobs::metrics::describe();
    discovery::metrics::describe();
    let setting = Setting::from_env(env, &process.turns)?;
    let checks = setting.checks();
    let scheduler = setting.scheduler();
    let shutdown = process.lifecycle.shutdown();
    process.lifecycle.spawn("jobs", async move {
        scheduler.run(&shutdown).await;
        setting.feed.drain(DRAIN).await;
        Ok::<(), Infallible>(())
    });
    Ok(checks)
}

async fn run_one(env: &Env, name: JobName, wait: Duration) -> anyhow::Result<()> {
    let setting = Setting::from_env(env, &Turns::default())?;
    let (job, plan) = setting.job(name);
    let shutdown = Shutdown::new();
    let patience = Instant::now() + wait;
    let report = loop {
        let report = run_once(&*job, &plan, &setting.cache, &shutdown).await;
        if report.outcome != Outcome::Skipped || Instant::now() + LOCK_INTERVAL > patience {
            break report;
        }
        sleep(LOCK_INTERVAL).await;
    };
    setting.feed.drain(DRAIN).await;
    println!("{report}");
    refuse(&report)
}

fn refuse(report: &Report) -> anyhow::Result<()> {
    match report.outcome {
        Outcome::Ok => Ok(()),
        Outcome::Skipped => bail!(
            "{}: another process is running it; --wait SECONDS waits for it to end",
            report.job
        ),
        Outcome::Failed | Outcome::Late | Outcome::Stopped => {
            bail!("{}: {}", report.job, report.outcome.as_str())
        }
    }
}
