//! Where the records that wait stand in their partitions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use nova_stream::Position;

use super::facts::FactKey;

/// A record that waits.
#[derive(Debug, Clone, Copy)]
struct Record {
    key: FactKey,
    lsn: u64,
}

fn partition_of(position: &Position) -> (Arc<str>, i32) {
    (Arc::clone(&position.topic), position.partition)
}

/// The records that wait for a fact, by partition, in the order in which Kafka has them, which is the order in which
/// ClickHouse stores them.
#[derive(Debug, Default)]
pub(super) struct Order {
    partitions: HashMap<(Arc<str>, i32), BTreeMap<i64, Record>>,
}

impl Order {
    pub(super) fn add(&mut self, position: &Position, key: FactKey, lsn: u64) {
        let partition = partition_of(position);
        let records = self.partitions.entry(partition).or_default();
        records.insert(position.offset, Record { key, lsn });
    }

    pub(super) fn remove(&mut self, position: &Position) {
        let partition = partition_of(position);
        if let Some(records) = self.partitions.get_mut(&partition) {
            records.remove(&position.offset);
            if records.is_empty() {
                self.partitions.remove(&partition);
            }
        }
    }

    /// Takes out what ClickHouse has if it has the record of this LSN that stands there: those before it in its partition,
    /// but for later changes. Those stand before it where it is delivered again: it may be the first delivery that is stored.
    pub(super) fn before(&mut self, position: &Position, lsn: u64) -> Vec<FactKey> {
        let partition = partition_of(position);
        let Some(records) = self.partitions.get_mut(&partition) else {
            return Vec::new();
        };
        let stored = records
            .extract_if(..=position.offset, |_, record| record.lsn <= lsn)
            .map(|(_, record)| record.key)
            .collect();
        if records.is_empty() {
            self.partitions.remove(&partition);
        }
        stored
    }

    /// About `most` records, evenly spread over each partition from its newest on, and at least that one of each.
    pub(super) fn spread(&self, most: usize) -> Vec<FactKey> {
        let each = (most / self.partitions.len().max(1)).max(1);
        let mut chosen = HashSet::new();
        for records in self.partitions.values() {
            let step = records.len().div_ceil(each).max(1);
            let some = records.values().rev().step_by(step);
            chosen.extend(some.map(|record| record.key));
        }
        chosen.into_iter().collect()
    }
}
