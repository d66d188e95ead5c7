//! Records that ClickHouse has put aside: no row will come of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use nova_olap::Olap;
use nova_stream::Position;

use super::StepError;
use crate::metrics as names;

const DEADLINE: Duration = Duration::from_secs(2);

pub(super) async fn run(
    olap: &Olap,
    positions: &[Position],
) -> Result<HashSet<Position>, StepError> {
    let mut topics: HashMap<Arc<str>, Vec<(i32, i64)>> = HashMap::new();
    for position in positions {
        let found = topics.entry(Arc::clone(&position.topic)).or_default();
        found.push((position.partition, position.offset));
    }
    let mut put_aside = HashSet::new();
    for (topic, asked) in topics {
        let found = olap.quarantined(&topic, &asked, DEADLINE).await?;
        let of_topic = positions.iter().filter(|position| position.topic == topic);
        for position in of_topic {
            if found.contains(&(position.partition, position.offset)) {
                put_aside.insert(position.clone());
            }
        }
    }
    if put_aside.len() < positions.len() {
        let waiting = positions.len() - put_aside.len();
        tracing::warn!(
            waiting,
            "records that ClickHouse does not have after two seconds"
        );
    }
    metrics::counter!(names::PUT_ASIDE).increment(put_aside.len() as u64);
    Ok(put_aside)
}
