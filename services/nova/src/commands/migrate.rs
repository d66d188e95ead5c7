//! `nova migrate`: PostgreSQL, the topics and ClickHouse, brought to the schema of this release.

use anyhow::Context;
use nova_olap::{Olap, OlapConfig, schema};
use nova_runtime::{CdcConfig, ClickHouseConfig, Env, KafkaConfig, PostgresConfig};
use nova_social::PoolConfig;
use nova_stream::topics;

/// Which of the three to migrate.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these, instead of all three.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Postgres,
    Kafka,
    Clickhouse,
}

/// Idempotent. Topics come before ClickHouse: its consumers start as soon as their tables are there.
pub(crate) async fn run(env: &Env, args: &Args) -> anyhow::Result<()> {
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    if wanted(Part::Postgres) {
        postgres(env).await.context("PostgreSQL")?;
    }
    if wanted(Part::Kafka) {
        kafka(env).await.context("Kafka")?;
    }
    if wanted(Part::Clickhouse) {
        clickhouse(env).await.context("ClickHouse")?;
    }
    Ok(())
}

async fn postgres(env: &Env) -> anyhow::Result<()> {
    let config = PostgresConfig::from_env(env)?;
    let cdc = CdcConfig::from_env(env)?;
    let pool = PoolConfig::default().connect_lazy(config.url.expose().as_str())?;
    nova_social::migrate(&pool, cdc.password.expose()).await?;
    println!("postgres    schema applied, replication role ready");
    Ok(())
}

async fn kafka(env: &Env) -> anyhow::Result<()> {
    let config = KafkaConfig::from_env(env)?;
    let report = topics::ensure(&config.brokers).await?;
    println!(
        "kafka       {} topics created, {} there",
        report.created.len(),
        report.existing.len()
    );
    Ok(())
}

async fn clickhouse(env: &Env) -> anyhow::Result<()> {
    let config = ClickHouseConfig::from_env(env)?;
    let olap = Olap::new(&OlapConfig::from_url(config.url.expose())?);
    let report = schema::apply(&olap).await?;
    println!(
        "clickhouse  {} statements applied, {} objects created, {} views replaced",
        report.statements,
        report.created.len(),
        report.replaced.len()
    );
    for view in &report.replaced {
        println!("            replaced {view}");
    }
    for view in &report.removed {
        println!("            removed {view}");
    }
    Ok(())
}
