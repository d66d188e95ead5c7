//! Latency of a miss against how much data there is.

use anyhow::Context as _;
use nova_loadtest::data;
use nova_loadtest::target::Target;
use nova_simulate::bulk::Scale;
use nova_testbed::Provider;
use serde::Serialize;

use super::degrees::{ORDINARY, choose, read};
use super::misses::{Misses, measure as misses};
use super::options::Options;
use super::stack::Stack;

/// One population.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PopulationPoint {
    /// Its size, or `running` where it was there.
    pub size: String,
    /// Users there are.
    pub users: usize,
    /// Posts there are.
    pub posts: u64,
    /// Likes there are.
    pub likes: u64,
    /// Follows there are.
    pub follows: u64,
    /// Misses of viewers who follow about a hundred.
    pub misses: Misses,
}

/// On a stack that has its data.
pub(super) async fn measure(size: String, stack: &Stack<'_>) -> anyhow::Result<PopulationPoint> {
    let all = read(&stack.pool).await?;
    let chosen = choose(&all, ORDINARY, stack.options.viewers, stack.options.seed);
    anyhow::ensure!(
        !chosen.is_empty(),
        "hardly anybody follows {} users",
        ORDINARY.name
    );
    eprintln!("population: {size}, {} viewers", chosen.len());
    let follows: i64 = sqlx::query_scalar(include_str!("sql/follows.sql"))
        .fetch_one(&stack.pool)
        .await
        .context("counting follows")?;
    Ok(PopulationPoint {
        size,
        users: stack.people.users.len(),
        posts: stack.people.all_posts,
        likes: stack.people.all_likes,
        follows: u64::try_from(follows)?,
        misses: misses(stack, &chosen).await?,
    })
}

/// On a stack of its own, which is stopped again.
pub(super) async fn measure_alone(
    options: &Options,
    scale: Scale,
) -> anyhow::Result<PopulationPoint> {
    eprintln!("population: a stack for {scale}");
    let target = Target::start(Provider::Processes).await?;
    let point = loaded(options, scale, &target).await;
    target.stop().await;
    point.with_context(|| format!("population {scale}"))
}

async fn loaded(
    options: &Options,
    scale: Scale,
    target: &Target,
) -> anyhow::Result<PopulationPoint> {
    let people = data::load(target, scale.into(), options.seed).await?;
    let stack = Stack::new(options, target, &people).await?;
    let point = measure(scale.to_string(), &stack).await?;
    stack.common.checks.finish(&stack.pool).await?;
    Ok(point)
}
