//! The curves as rows of CSV: what `bench/plot/plot.py` reads.

use serde::Serialize;

use super::followees::FolloweesPoint;
use super::lag::{Hop, LagStep};
use super::population::PopulationPoint;
use crate::report::Percentiles;

pub(super) const MEMORY: &str = "memory.csv";
pub(super) const KINDS: &str = "memory-kinds.csv";
pub(super) const FOLLOWEES: &str = "followees.csv";
pub(super) const POPULATION: &str = "population.csv";
pub(super) const LAG: &str = "lag.csv";

/// Misses of viewers who follow about as many.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FolloweesRow {
    bucket: &'static str,
    followees: f64,
    viewers: usize,
    candidates: f64,
    requests: u64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    cpu_ms: Option<f64>,
    cpu_net_ms: Option<f64>,
}

/// Misses on one population.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PopulationRow {
    size: String,
    users: usize,
    posts: u64,
    likes: u64,
    follows: u64,
    candidates: f64,
    requests: u64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    cpu_ms: Option<f64>,
    cpu_net_ms: Option<f64>,
}

/// Likes at one rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct LagRow {
    offered_per_second: f64,
    achieved_per_second: f64,
    markers: u64,
    lost: usize,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    max_ms: Option<f64>,
    before_postgres: Option<f64>,
    before_kafka: Option<f64>,
    before_clickhouse: Option<f64>,
    before_redis: Option<f64>,
    machine_cores: Option<f64>,
    saturated: Option<&'static str>,
}

impl FolloweesRow {
    pub(super) fn of(point: &FolloweesPoint) -> Self {
        let misses = &point.misses;
        Self {
            bucket: point.bucket,
            followees: misses.followees,
            viewers: misses.viewers,
            candidates: misses.candidates,
            requests: count(misses.latency),
            p50_ms: misses.latency.map(|row| row.p50),
            p95_ms: misses.latency.map(|row| row.p95),
            cpu_ms: misses.cpu_ms,
            cpu_net_ms: misses.cpu_net_ms,
        }
    }
}

impl PopulationRow {
    pub(super) fn of(point: &PopulationPoint) -> Self {
        let misses = &point.misses;
        Self {
            size: point.size.clone(),
            users: point.users,
            posts: point.posts,
            likes: point.likes,
            follows: point.follows,
            candidates: misses.candidates,
            requests: count(misses.latency),
            p50_ms: misses.latency.map(|row| row.p50),
            p95_ms: misses.latency.map(|row| row.p95),
            cpu_ms: misses.cpu_ms,
            cpu_net_ms: misses.cpu_net_ms,
        }
    }
}

impl LagRow {
    pub(super) fn of(step: &LagStep) -> Self {
        Self {
            offered_per_second: step.offered,
            achieved_per_second: step.achieved,
            markers: count(step.lag),
            lost: step.lost,
            p50_ms: step.lag.map(|row| row.p50),
            p95_ms: step.lag.map(|row| row.p95),
            max_ms: step.lag.map(|row| row.max),
            before_postgres: step.waiting(Hop::Postgres),
            before_kafka: step.waiting(Hop::Connect),
            before_clickhouse: step.waiting(Hop::ClickHouse),
            before_redis: step.waiting(Hop::Projector),
            machine_cores: step.load.machine,
            saturated: step.saturation.as_ref().map(|found| found.hop.name()),
        }
    }
}

fn count(latency: Option<Percentiles>) -> u64 {
    latency.map_or(0, |row| row.count)
}
