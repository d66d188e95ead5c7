//! From inventories to bytes for each user and each post.

use nova_loadtest::summary::number;
use serde::Serialize;

use super::calculation::tables;
use super::inventory::{Inventory, Stock};
use super::kind::Kind;

/// After the feeds of so many users were read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MemoryPoint {
    /// Users whose feed was read in all.
    pub users: u64,
    /// Keys there are.
    pub keys: u64,
    /// Bytes that the server has allocated, by itself (`used_memory`).
    pub used_bytes: u64,
    /// Of those, how many came since the beginning.
    pub measured_bytes: f64,
    /// What should have come, from how many keys of each kind there are and how they are laid out.
    pub calculated_bytes: f64,
    /// Measured bytes of one more user, over this step; none at the beginning.
    pub measured_per_user: Option<f64>,
    /// The same as calculated.
    pub calculated_per_user: Option<f64>,
    /// Measured in calculated, over this step.
    pub ratio: Option<f64>,
}

/// The keys of one kind in the end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KindRow {
    /// Which.
    pub kind: Kind,
    /// How many there are.
    pub keys: u64,
    /// Of those, how many were looked at.
    pub sampled: u64,
    /// Bytes of one of them as the server says (`MEMORY USAGE`), the mean.
    pub measured_bytes: f64,
    /// Bytes of one of them as calculated, the mean.
    pub calculated_bytes: f64,
    /// The first in the second.
    pub ratio: Option<f64>,
}

/// One point for each inventory, the first being the beginning.
pub(super) fn points(inventories: &[(u64, Inventory)]) -> Vec<MemoryPoint> {
    let Some((_, first)) = inventories.first() else {
        return Vec::new();
    };
    let mut points: Vec<MemoryPoint> = Vec::with_capacity(inventories.len());
    for (users, inventory) in inventories {
        let measured = number(inventory.memory.used) - number(first.memory.used);
        let calculated = total(inventory) - total(first);
        let step = points.last().and_then(|before| {
            let more = number(users.saturating_sub(before.users));
            (more > 0.0).then(|| {
                let each = |now: f64, then: f64| (now - then) / more;
                (
                    each(measured, before.measured_bytes),
                    each(calculated, before.calculated_bytes),
                )
            })
        });
        points.push(MemoryPoint {
            users: *users,
            keys: inventory.keys(),
            used_bytes: inventory.memory.used,
            measured_bytes: measured,
            calculated_bytes: calculated,
            measured_per_user: step.map(|(measured, _)| measured),
            calculated_per_user: step.map(|(_, calculated)| calculated),
            ratio: step.and_then(|(measured, calculated)| ratio(measured, calculated)),
        });
    }
    points
}

/// What each kind takes.
pub(super) fn kinds(inventory: &Inventory) -> Vec<KindRow> {
    let row = |(kind, stock): (&Kind, &Stock)| KindRow {
        kind: *kind,
        keys: stock.keys,
        sampled: stock.sampled,
        measured_bytes: stock.measured,
        calculated_bytes: stock.calculated,
        ratio: ratio(stock.measured, stock.calculated),
    };
    inventory.kinds.iter().map(row).collect()
}

/// All keys as calculated, with the tables that find them. All but some locks have an expiry.
fn total(inventory: &Inventory) -> f64 {
    let stocks = inventory.kinds.values();
    let keys: f64 = stocks
        .map(|stock| number(stock.keys) * stock.calculated)
        .sum();
    keys + number(tables(inventory.keys()))
}

fn ratio(measured: f64, calculated: f64) -> Option<f64> {
    (calculated > 0.0).then(|| measured / calculated)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::growth::memory::calculation::Allocator;
    use crate::growth::memory::server::Memory;

    fn inventory(used: u64, rankings: u64) -> Inventory {
        let stock = |keys, measured, calculated| Stock {
            keys,
            sampled: keys.min(200),
            measured,
            calculated,
        };
        Inventory {
            memory: Memory {
                used,
                evicted: 0,
                allocator: Allocator::Jemalloc,
            },
            kinds: BTreeMap::from([
                (Kind::Counters, stock(700, 330.0, 300.0)),
                (Kind::Snapshot, stock(rankings, 1_000.0, 1_000.0)),
            ]),
        }
    }

    #[test]
    fn bytes_of_one_more_user() {
        let taken = [
            (0, inventory(1_000_000, 0)),
            (100, inventory(1_120_000, 100)),
            (200, inventory(1_210_000, 200)),
        ];
        let points = points(&taken);
        // 700 keys and up to 896 share 128 buckets of each table, 897 would need 256.
        let per_user = |place: usize| {
            let point = &points[place];
            (point.measured_per_user, point.calculated_per_user)
        };
        assert_eq!(per_user(0), (None, None));
        assert_eq!(per_user(1), (Some(1_200.0), Some(1_000.0)));
        assert_eq!(points[1].ratio, Some(1.2));
        // 900 keys: the tables have doubled.
        assert_eq!(
            per_user(2),
            (Some(900.0), Some((100_000.0 + 128.0 * 128.0) / 100.0))
        );
        assert_eq!((points[2].keys, points[2].users), (900, 200));
    }

    #[test]
    fn steps_without_users_have_no_marginal_bytes() {
        let taken = [(5, inventory(1, 0)), (5, inventory(2, 0))];
        assert_eq!(points(&taken)[1].measured_per_user, None);
        assert_eq!(points(&[]), []);
    }

    #[test]
    fn kinds_are_compared_by_key() {
        let rows = kinds(&inventory(1, 0));
        let of = |kind| *rows.iter().find(|row| row.kind == kind).unwrap();
        assert!((of(Kind::Snapshot).ratio.unwrap() - 1.0).abs() < 1e-9);
        let counters = of(Kind::Counters);
        assert_eq!((counters.keys, counters.sampled), (700, 200));
        assert!((counters.ratio.unwrap() - 1.1).abs() < 1e-9);
    }
}
