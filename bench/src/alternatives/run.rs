//! A run: data, viewers, servers, then one contender after another.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use nova_loadtest::data;
use nova_loadtest::people::People;
use nova_loadtest::target::Target;
use nova_olap::{Olap, OlapConfig};
use nova_simulate::bulk::Scale;
use redis::Pipeline;
use sqlx::PgPool;

use super::child::Server;
use super::contenders::Contender;
use super::fan::{self, FanWrite, Filled};
use super::options::Options;
use super::plan::{Page, Plan};
use super::race::{Measured, Race};
use super::report::{ContenderReport, Idle, Report, Setting};
use super::sql::{self, SqlSetup};
use super::summary::{Goal, Phase};
use super::viewers::Sample;
use super::{keys, warm};
use crate::feed::{Checks, Common};
use crate::process::Spent;
use crate::{link, quiet};

/// What the alternatives needed to be set up, and what else was found.
#[derive(Debug, Default)]
struct Extras {
    sql: Option<SqlSetup>,
    filled: Option<Filled>,
    write: Option<FanWrite>,
}

/// Everything, on servers that are there. Leaves them as they were, also when it fails.
pub(super) async fn run(options: &Options, target: &Target) -> anyhow::Result<Report> {
    let population = options.scale.or(target.is_own().then_some(Scale::S));
    let people = match population {
        Some(scale) => data::load(target, scale.into(), options.seed).await?,
        None => data::arrived(target).await?,
    };
    let endpoints = target.endpoints();
    let pool = sql::connect(&endpoints.postgres).await?;
    let mut redis = link::connect(&endpoints.redis).await?;
    let report = Box::pin(measure(options, target, &people, &pool)).await;
    let dropped = sql::tear_down(&pool).await;
    let deleted = fan::delete_all(&mut redis).await;
    let report = report?;
    dropped.and(deleted)?;
    Ok(report)
}

async fn measure(
    options: &Options,
    target: &Target,
    people: &People,
    pool: &PgPool,
) -> anyhow::Result<Report> {
    let endpoints = target.endpoints();
    let secret = &endpoints.auth_secret;
    let sample = Sample::draw(people, options.viewers, options.seed, secret, pool).await?;
    let common = Common {
        checks: Arc::default(),
        redis: link::connect(&endpoints.redis).await?,
    };
    let contenders = options.contenders();
    let mut extras = Extras::default();
    if contenders
        .iter()
        .any(|one| matches!(one, Contender::Sql | Contender::FanOut))
    {
        eprintln!("counters and indexes for the SQL alternative");
        extras.sql = Some(sql::set_up(pool).await?);
    }
    let (_, pages) = warm::warm(&endpoints.api, &sample.viewers, &common).await?;
    if contenders.contains(&Contender::FanOut) {
        eprintln!("lists of the viewers for fan-out on write");
        let filled = fan::fill(pool, &mut common.redis.clone(), &sample.ids(), true).await?;
        extras.filled = Some(filled);
    }
    write_items(&common, &pages).await?;
    let server = Server::start(&Plan {
        postgres: endpoints.postgres.clone(),
        redis: endpoints.redis.clone(),
        pages: pages.clone(),
    })
    .await?;
    let mut processes = target.processes();
    processes.push(server.watched());
    let measured = Duration::from_secs(options.seconds);
    let quiet = quiet::settle(&processes).await?;
    eprintln!("idle, {} s", options.seconds);
    let idle = quiet::over(&processes, measured).await?;
    let race = Race {
        api: endpoints.api.clone(),
        server: server.address.clone(),
        redis_url: endpoints.redis.clone(),
        olap: Olap::new(&OlapConfig::from_url(&endpoints.clickhouse.parse()?)?),
        viewers: sample.viewers.clone(),
        pages: pages.into_iter().map(Arc::new).collect(),
        common,
        processes,
        warm_up: Duration::from_secs(options.warm_up),
        measured,
    };
    let reports = all(&race, &contenders, options, pool, &idle).await?;
    if contenders.contains(&Contender::Sql) {
        let viewer = sample.viewers.first().context("no viewer")?;
        sql::explain(pool, viewer.id, &options.report).await?;
    }
    if contenders.contains(&Contender::FanOut) {
        eprintln!("writing posts to followers' lists");
        let mut redis = race.common.redis.clone();
        let write = fan::measure_writes(pool, &mut redis, race.processes.clone()).await?;
        extras.write = Some(write);
    }
    server.stop().await?;
    let goal = Goal::judge(
        last_phase(&reports, Contender::NovaHit),
        last_phase(&reports, Contender::Floor),
    );
    Ok(Report {
        at: Utc::now(),
        setting: Setting::of(options, target.is_own(), people, sample.passed_over, quiet),
        idle: Idle::of(&idle),
        contenders: reports,
        goal,
        sql_setup: extras.sql,
        fan_out: extras.filled,
        fan_out_write: extras.write,
    })
}

/// Every contender at every number of connections.
async fn all(
    race: &Race,
    contenders: &[Contender],
    options: &Options,
    pool: &PgPool,
    idle: &Spent,
) -> anyhow::Result<Vec<ContenderReport>> {
    let checked = contenders
        .iter()
        .map(|one| (*one, Arc::<Checks>::default()));
    let checked: Vec<(Contender, Arc<Checks>)> = checked.collect();
    let (kept, others): (Vec<_>, Vec<_>) = checked
        .iter()
        .cloned()
        .partition(|(contender, _)| contender.needs_warm_pages());
    let mut phases: Vec<(Contender, Phase)> = Vec::new();
    let mut note = |contender: Contender, connections: usize, measured: Measured| {
        let phase = Phase::of(contender, connections, measured, idle);
        eprintln!(
            "{}, {connections} connections: {:.0} requests/s",
            contender.name(),
            phase.per_second
        );
        phases.push((contender, phase));
    };
    let loads = [1, options.low, options.saturation];
    for connections in loads {
        if kept.is_empty() {
            break;
        }
        let measured = race.in_turns(&kept, connections).await?;
        for ((contender, _), measured) in kept.iter().zip(measured) {
            note(*contender, connections, measured);
        }
    }
    for (contender, checks) in &others {
        for connections in loads {
            let measured = race.alone(*contender, connections, checks).await?;
            note(*contender, connections, measured);
        }
    }
    let mut reports = Vec::with_capacity(checked.len());
    for (contender, checks) in &checked {
        let found = checks.finish(pool).await;
        let (pages_read, posts_seen) = found.with_context(|| contender.name().to_owned())?;
        let own = phases.iter().filter(|(of, _)| of == contender);
        let own = own.map(|(_, phase)| phase.clone()).collect();
        reports.push(ContenderReport::of(*contender, pages_read, posts_seen, own));
    }
    Ok(reports)
}

fn last_phase(reports: &[ContenderReport], contender: Contender) -> Option<&Phase> {
    let report = reports.iter().find(|report| report.contender == contender);
    report.and_then(|report| report.phases.last())
}

/// The items of the pages as values of their own, for whoever fetches them one by one: each of the size it has on a page.
async fn write_items(common: &Common, pages: &[Page]) -> anyhow::Result<()> {
    for page in pages {
        let json: serde_json::Value = serde_json::from_str(&page.body)?;
        let items = json.get("items").and_then(serde_json::Value::as_array);
        let items = items.context("a page without items")?;
        let mut set = Pipeline::with_capacity(items.len());
        for (post, item) in page.posts.iter().zip(items) {
            set.cmd("SET").arg(keys::item(*post)).arg(item.to_string());
        }
        fan::done(&link::ask(&mut common.redis.clone(), &set).await?)?;
    }
    Ok(())
}
