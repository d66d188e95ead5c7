//! Memory of Redis against the number of users whose feeds it keeps.

mod calculation;
mod growing;
mod inventory;
mod kind;
mod server;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use hyper::StatusCode;
use nova_domain::UserId;
use nova_loadtest::token::Signer;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tokio::time::timeout;

pub use growing::{KindRow, MemoryPoint};
pub use kind::Kind;

use super::stack::Stack;
use crate::feed::{FIRST_PAGE, Viewer};
use crate::http::Connection;
use crate::measure::DEADLINE;

/// Feeds that are read at once.
const AT_ONCE: usize = 4;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryReport {
    /// One for each number of users, the first before any feed was read.
    pub points: Vec<MemoryPoint>,
    /// What a key of each kind takes in the end.
    pub kinds: Vec<KindRow>,
    /// Bytes that a post takes in the end, counters and body, as the server says; none where posts have no rows.
    pub measured_per_post: Option<f64>,
    /// The same as calculated.
    pub calculated_per_post: Option<f64>,
    /// Keys that were dropped meanwhile for lack of memory: the numbers are too small by them.
    pub evicted: u64,
}

pub(super) async fn measure(stack: &Stack<'_>) -> anyhow::Result<MemoryReport> {
    let mut redis = stack.common.redis.clone();
    let mut users = stack.people.users.clone();
    users.shuffle(&mut ChaCha8Rng::seed_from_u64(stack.options.seed));
    let mut inventories = vec![(0, inventory::take(&mut redis).await?)];
    let mut read = 0;
    for number in steps(&stack.options.users, users.len()) {
        eprintln!("memory: feeds of {number} users");
        warm(stack, users.get(read..number).unwrap_or_default()).await?;
        read = number;
        inventories.push((u64::try_from(number)?, inventory::take(&mut redis).await?));
    }
    let points = growing::points(&inventories);
    let (mut kinds, mut evicted) = (Vec::new(), 0);
    if let Some(((_, first), (_, last))) = inventories.first().zip(inventories.last()) {
        kinds = growing::kinds(last);
        evicted = last.memory.evicted.saturating_sub(first.memory.evicted);
    }
    let per_post = |bytes: fn(&KindRow) -> f64| {
        let rows = kinds.iter().filter(|row| row.kind.is_of_posts());
        let bytes: Vec<f64> = rows.map(bytes).collect();
        (!bytes.is_empty()).then(|| bytes.iter().sum())
    };
    Ok(MemoryReport {
        points,
        measured_per_post: per_post(|row| row.measured_bytes),
        calculated_per_post: per_post(|row| row.calculated_bytes),
        kinds,
        evicted,
    })
}

impl MemoryReport {
    /// What makes the numbers no measure.
    pub(super) fn failures(&self) -> Vec<String> {
        let dropped = (self.evicted > 0).then(|| {
            format!(
                "memory: {} keys were dropped for lack of memory",
                self.evicted
            )
        });
        dropped.into_iter().collect()
    }
}

/// The numbers of users that there are enough people for, and all people where some are too many.
fn steps(wanted: &[usize], people: usize) -> Vec<usize> {
    let mut steps: Vec<usize> = wanted.iter().map(|users| *users.min(&people)).collect();
    steps.dedup();
    steps
}

/// Reads the first page of each once.
async fn warm(stack: &Stack<'_>, users: &[UserId]) -> anyhow::Result<()> {
    let signer = Signer::new(&stack.endpoints.auth_secret);
    let (api, signer) = (stack.endpoints.api.as_str(), &signer);
    let shares = (0..AT_ONCE).map(|nth| users.iter().skip(nth).step_by(AT_ONCE));
    stream::iter(shares)
        .map(|share| async move {
            let mut connection = Connection::to(api)?;
            for user in share {
                page(&mut connection, &Viewer::new(*user, signer)?).await?;
            }
            anyhow::Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn page(connection: &mut Connection, viewer: &Viewer) -> anyhow::Result<()> {
    let asking = connection.get(FIRST_PAGE, Some(&viewer.authorization));
    let answer = match timeout(DEADLINE, asking).await {
        Ok(answer) => answer.map_err(anyhow::Error::msg)?,
        Err(_) => anyhow::bail!("a feed: no answer in time"),
    };
    anyhow::ensure!(
        answer.status == StatusCode::OK,
        "a feed: status {}",
        answer.status
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_users_than_people() {
        assert_eq!(steps(&[250, 500], 1_000), [250, 500]);
        assert_eq!(steps(&[250, 500, 1_000, 2_000], 400), [250, 400]);
        assert_eq!(steps(&[250, 500], 500), [250, 500]);
    }
}
