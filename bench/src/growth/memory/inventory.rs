//! Which keys there are, and what some of each kind take.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nova_loadtest::summary::number;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value as Reply, cmd, from_redis_value};
use tokio::time::timeout;

use super::calculation::{Allocator, Value, calculated};
use super::kind::Kind;
use super::server::{self, Memory};
use crate::link;

/// Keys of one answer to `SCAN`, about.
const COUNT: u64 = 1_000;
/// Answers at most: ten million keys are more than this is for.
const MOST_ANSWERS: u32 = 10_000;
/// Keys of a kind whose memory is asked for: the first that are found, which is in the order of their hashes.
const SAMPLE: usize = 200;
/// For all of it.
const DEADLINE: Duration = Duration::from_secs(120);

/// Everything at one moment, as far as keys hold still for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inventory {
    pub(super) memory: Memory,
    pub(super) kinds: BTreeMap<Kind, Stock>,
}

/// The keys of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Stock {
    pub(super) keys: u64,
    /// Of those, how many were looked at.
    pub(super) sampled: u64,
    /// Bytes of one of them by `MEMORY USAGE`, the mean.
    pub(super) measured: f64,
    /// Bytes of one of them by [`calculated`], the mean.
    pub(super) calculated: f64,
}

impl Inventory {
    pub(super) fn keys(&self) -> u64 {
        self.kinds.values().map(|stock| stock.keys).sum()
    }
}

/// Reads every key's name, and some values.
pub(super) async fn take(redis: &mut MultiplexedConnection) -> anyhow::Result<Inventory> {
    let taking = timeout(DEADLINE, look(redis));
    taking.await.context("looking at all keys takes too long")?
}

async fn look(redis: &mut MultiplexedConnection) -> anyhow::Result<Inventory> {
    let memory = server::read(redis).await?;
    let mut kinds: BTreeMap<Kind, Stock> = BTreeMap::new();
    let mut samples: BTreeMap<Kind, Vec<Vec<u8>>> = BTreeMap::new();
    let mut cursor = 0_u64;
    for _ in 0..MOST_ANSWERS {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("COUNT").arg(COUNT);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(redis).await?;
        for key in keys {
            let kind = Kind::of(&key);
            kinds.entry(kind).or_default().keys += 1;
            let sample = samples.entry(kind).or_default();
            if sample.len() < SAMPLE {
                sample.push(key);
            }
        }
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    ensure!(cursor == 0, "there are more keys than are counted");
    for (kind, keys) in samples {
        let sizes = sizes(redis, memory.allocator, &keys).await?;
        if let Some(stock) = kinds.get_mut(&kind) {
            stock.sampled = sizes.len() as u64;
            stock.measured = mean(sizes.iter().map(|(measured, _)| *measured));
            stock.calculated = mean(sizes.iter().map(|(_, calculated)| *calculated));
        }
    }
    Ok(Inventory { memory, kinds })
}

/// Of each key, measured and calculated. Those that have expired meanwhile are left out, and values of other types than
/// strings and hashes.
async fn sizes(
    redis: &mut MultiplexedConnection,
    allocator: Allocator,
    keys: &[Vec<u8>],
) -> anyhow::Result<Vec<(u64, u64)>> {
    let mut types = Pipeline::with_capacity(keys.len());
    for key in keys {
        types.cmd("TYPE").arg(key);
    }
    let types = link::ask(redis, &types).await?;
    let mut ask = Pipeline::with_capacity(2 * keys.len());
    let mut asked = Vec::with_capacity(keys.len());
    for (key, kind) in keys.iter().zip(types) {
        let read = match from_redis_value::<String>(kind)?.as_str() {
            "string" => "STRLEN",
            "hash" => "HGETALL",
            _ => continue,
        };
        ask.cmd("MEMORY").arg("USAGE").arg(key);
        ask.cmd(read).arg(key);
        asked.push(key);
    }
    let mut replies = link::ask(redis, &ask).await?.into_iter();
    let mut sizes = Vec::with_capacity(asked.len());
    for key in asked {
        let (usage, value) = replies.next().zip(replies.next()).context("an answer")?;
        let usage: Option<u64> = from_redis_value(usage)?;
        if let Some(measured) = usage {
            let calculated = calculated(allocator, key.len() as u64, &value_of(value)?);
            sizes.push((measured, calculated));
        }
    }
    Ok(sizes)
}

fn value_of(reply: Reply) -> anyhow::Result<Value> {
    match reply {
        Reply::Int(length) => Ok(Value::Text(u64::try_from(length)?)),
        Reply::Map(pairs) => {
            let texts = pairs.into_iter().flat_map(|(field, value)| [field, value]);
            let texts: Result<_, _> = texts.map(from_redis_value).collect();
            Ok(Value::Fields(texts?))
        }
        other => Ok(Value::Fields(from_redis_value(other)?)),
    }
}

fn mean(values: impl Iterator<Item = u64>) -> f64 {
    let (sum, count) = values.fold((0, 0), |(sum, count), value| (sum + value, count + 1));
    number(sum) / number(u64::max(count, 1))
}
