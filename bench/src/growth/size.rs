//! Sizes of populations, smaller ones than have a name included, and how they get into a stack.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use nova_loadtest::data::{self, Population, Scale};
use nova_loadtest::people::People;
use nova_loadtest::target::Target;
use nova_olap::{Olap, OlapConfig};
use nova_simulate::bulk;
use nova_social::load::{Loader, Way};
use nova_stream::{EventProducer, ProducerConfig};
use reqwest::Url;

use crate::pipeline::connect;

/// The least part of S that still has some hundred users.
const LEAST_PART: u32 = 20;

/// For an event to be taken by Kafka while others are written as fast as it goes.
const DELIVERY: Duration = Duration::from_secs(60);

/// How much data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// One that has a name.
    Scale(Scale),
    /// S by this number: of everything so much less, so that a user follows, posts and likes as much.
    PartOfS(u32),
}

impl Size {
    /// Loads it into an empty stack and waits until ClickHouse has it.
    ///
    /// # Errors
    /// When it is refused, breaks off, or does not arrive.
    pub(super) async fn load(self, target: &Target, seed: u64) -> anyhow::Result<People> {
        match self {
            Self::Scale(scale) => data::load(target, Population::Scale(scale), seed).await,
            Self::PartOfS(part) => {
                through_the_stream(self.to_string(), part_of_s(part), target, seed).await?;
                data::arrived(target).await
            }
        }
    }
}

/// As `nova simulate --scale S` does it, which knows no parts.
async fn through_the_stream(
    name: String,
    size: bulk::Size,
    target: &Target,
    seed: u64,
) -> anyhow::Result<()> {
    let endpoints = target.endpoints();
    let clickhouse: Url = endpoints
        .clickhouse
        .parse()
        .context("the address of ClickHouse")?;
    let pool = connect(&endpoints.postgres).await?;
    let backends = bulk::Backends {
        loader: Loader::connect(&pool, Way::Through).await?,
        olap: Olap::new(&OlapConfig::from_url(&clickhouse)?),
        events: Some(EventProducer::new(&ProducerConfig {
            delivery_timeout: DELIVERY,
            ..ProducerConfig::new(&endpoints.kafka)
        })?),
    };
    let options = bulk::BulkOptions {
        scale: name,
        size,
        seed,
        base: None,
        // The freshness probe has posted already.
        append: true,
        unheeded: Vec::new(),
        slice_rows: bulk::SLICE_ROWS,
        quiet: true,
    };
    let report = Box::pin(bulk::run(&options, backends)).await?;
    eprintln!("{report}");
    Ok(())
}

fn part_of_s(part: u32) -> bulk::Size {
    let whole = bulk::Scale::S.size();
    let of = |rows: u64| rows / u64::from(part);
    bulk::Size {
        users: whole.users / part,
        posts: whole.posts / part,
        follows: of(whole.follows),
        likes: of(whole.likes),
        comments: of(whole.comments),
        events: of(whole.events),
    }
}

/// A word that is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSize;

impl fmt::Display for NoSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a size is S, M, L, or a part from S/2 to S/{LEAST_PART}")
    }
}

impl std::error::Error for NoSize {}

impl FromStr for Size {
    type Err = NoSize;

    fn from_str(text: &str) -> Result<Self, NoSize> {
        match text {
            "S" => Ok(Self::Scale(Scale::S)),
            "M" => Ok(Self::Scale(Scale::M)),
            "L" => Ok(Self::Scale(Scale::L)),
            _ => {
                let part = text.strip_prefix("S/").and_then(|part| part.parse().ok());
                let part = part.filter(|part| (2..=LEAST_PART).contains(part));
                part.map(Self::PartOfS).ok_or(NoSize)
            }
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scale(scale) => f.write_str(scale.name()),
            Self::PartOfS(part) => write!(f, "S/{part}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_size_is_read_as_it_is_written() {
        for text in ["S", "M", "L", "S/2", "S/10", "S/20"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        for text in ["", "XL", "S/1", "S/21", "S/x", "M/2", "s"] {
            assert_eq!(text.parse::<Size>(), Err(NoSize), "{text}");
        }
    }

    #[test]
    fn every_part_of_s_is_a_population() {
        for part in [2, 3, 10, LEAST_PART] {
            let size = part_of_s(part);
            assert_eq!(size.users, 10_000 / part);
            assert!(bulk::Model::new(size, 1, Utc::now()).is_ok(), "S/{part}");
        }
    }
}
