//! How far a consumer group may go on: only behind the lowest record that is not done.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Where a record stands, in one assignment of its partition to this member. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Which assignment it was read in: a partition that went and came back is read from what was committed.
    epoch: u64,
}

impl Position {
    /// A position that was not read, for tests of what is done with records: it moves no offset.
    #[doc(hidden)]
    #[must_use]
    pub fn for_tests(topic: &Arc<str>, partition: i32, offset: i64) -> Self {
        Self {
            topic: Arc::clone(topic),
            partition,
            offset,
            epoch: 0,
        }
    }
}

/// The records that were read and are not done, by partition. Records may be done in any order.
#[derive(Debug, Default)]
pub(crate) struct OffsetTracker {
    partitions: HashMap<(Arc<str>, i32), Partition>,
    epochs: u64,
    unfinished: usize,
}

#[derive(Debug)]
struct Partition {
    epoch: u64,
    /// In the order of reading, so by offset, from the lowest that is not done.
    open: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    offset: i64,
    done: bool,
}

impl OffsetTracker {
    /// A record was read. `None` when it was read before in this assignment and is still open, or was before one that
    /// is: the client went back by itself, which changes nothing about what may be committed.
    pub(crate) fn begin(
        &mut self,
        topic: &Arc<str>,
        partition: i32,
        offset: i64,
    ) -> Option<Position> {
        let key = (Arc::clone(topic), partition);
        let epochs = &mut self.epochs;
        let found = self.partitions.entry(key).or_insert_with(|| {
            *epochs += 1;
            Partition {
                epoch: *epochs,
                open: VecDeque::new(),
            }
        });
        if found.open.back().is_some_and(|last| last.offset >= offset) {
            return None;
        }
        found.open.push_back(Open {
            offset,
            done: false,
        });
        self.unfinished += 1;
        Some(Position {
            topic: Arc::clone(topic),
            partition,
            offset,
            epoch: found.epoch,
        })
    }

    /// A record is done. Gives the highest offset up to which all are, when that has moved; nothing for a record of an
    /// assignment that is over: whoever has the partition now sees it again.
    pub(crate) fn finish(&mut self, position: &Position) -> Option<i64> {
        let key = (Arc::clone(&position.topic), position.partition);
        let partition = self.partitions.get_mut(&key)?;
        if partition.epoch != position.epoch {
            return None;
        }
        let open = &mut partition.open;
        let at = open
            .binary_search_by_key(&position.offset, |open| open.offset)
            .ok()?;
        if !open[at].done {
            open[at].done = true;
            self.unfinished -= 1;
        }
        let mut reached = None;
        while let Some(first) = open.pop_front_if(|first| first.done) {
            reached = Some(first.offset);
        }
        reached
    }

    /// The partition has gone to another member, or is about to be assigned anew.
    pub(crate) fn forget(&mut self, topic: &str, partition: i32) {
        let unfinished = &mut self.unfinished;
        self.partitions.retain(|(name, number), gone| {
            let stays = &**name != topic || *number != partition;
            if !stays {
                *unfinished -= gone.open.iter().filter(|open| !open.done).count();
            }
            stays
        });
    }

    /// All partitions are about to be assigned anew.
    pub(crate) fn forget_all(&mut self) {
        self.partitions.clear();
        self.unfinished = 0;
    }

    /// Records that were read and are not done.
    pub(crate) fn unfinished(&self) -> usize {
        self.unfinished
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn topic() -> Arc<str> {
        Arc::from("cdc.likes")
    }

    #[test]
    fn an_offset_moves_only_behind_the_lowest_that_is_open() {
        let mut tracker = OffsetTracker::default();
        let read: Vec<Position> = [3, 4, 7]
            .into_iter()
            .map(|offset| tracker.begin(&topic(), 0, offset).unwrap())
            .collect();
        assert_eq!(tracker.finish(&read[1]), None);
        assert_eq!(tracker.finish(&read[0]), Some(4));
        assert_eq!(tracker.unfinished(), 1);
        assert_eq!(tracker.finish(&read[2]), Some(7));
        assert_eq!(tracker.unfinished(), 0);
    }

    #[test]
    fn a_record_of_an_assignment_that_is_over_moves_nothing() {
        let mut tracker = OffsetTracker::default();
        let old = tracker.begin(&topic(), 0, 5).unwrap();
        tracker.forget("cdc.likes", 0);
        assert_eq!(tracker.unfinished(), 0);
        let new = tracker.begin(&topic(), 0, 5).unwrap();
        assert_eq!(tracker.finish(&old), None);
        assert_eq!(tracker.unfinished(), 1);
        assert_eq!(tracker.finish(&new), Some(5));
    }

    #[test]
    fn a_record_read_twice_in_one_assignment_is_taken_once() {
        let mut tracker = OffsetTracker::default();
        let first = tracker.begin(&topic(), 0, 5).unwrap();
        assert_eq!(tracker.begin(&topic(), 0, 5), None);
        assert_eq!(tracker.begin(&topic(), 0, 4), None);
        assert_eq!(tracker.finish(&first), Some(5));
        assert_eq!(tracker.finish(&first), None);
    }

    /// What may happen to one of two partitions.
    #[derive(Debug, Clone)]
    enum Step {
        Read(i32),
        /// Finishes one of the open records of all assignments.
        Finish(prop::sample::Index),
        Revoke(i32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            5 => (0..2).prop_map(Step::Read),
            5 => any::<prop::sample::Index>().prop_map(Step::Finish),
            1 => (0..2).prop_map(Step::Revoke),
        ]
    }

    proptest! {
        /// Whatever is read, done and taken away in whatever order: what is committed is never beyond a record that is
        /// not done, and goes right up to it.
        #[test]
        fn nothing_is_ever_committed_past_an_open_record(steps in prop::collection::vec(step(), 0..200)) {
            let topic = topic();
            let mut tracker = OffsetTracker::default();
            let mut next = [0_i64; 2];
            let mut committed = [0_i64; 2];
            let mut done: [std::collections::BTreeSet<i64>; 2] = Default::default();
            let mut open: Vec<Position> = Vec::new();
            let mut live = [0_u64; 2];
            for step in steps {
                match step {
                    Step::Read(partition) => {
                        let at = usize::try_from(partition).unwrap();
                        let position = tracker.begin(&topic, partition, next[at]).unwrap();
                        live[at] = position.epoch;
                        open.push(position);
                        next[at] += 1;
                    }
                    Step::Finish(which) if !open.is_empty() => {
                        let position = open.swap_remove(which.index(open.len()));
                        let at = usize::try_from(position.partition).unwrap();
                        let moved = tracker.finish(&position);
                        if position.epoch != live[at] {
                            prop_assert_eq!(moved, None);
                            continue;
                        }
                        done[at].insert(position.offset);
                        if let Some(offset) = moved {
                            prop_assert!(offset >= committed[at], "{} back to {}", committed[at], offset);
                            committed[at] = offset + 1;
                        }
                        // All below are done, the next is not.
                        prop_assert!((0..committed[at]).all(|offset| done[at].contains(&offset)));
                        prop_assert!(!done[at].contains(&committed[at]));
                    }
                    Step::Finish(_) => {}
                    Step::Revoke(partition) => {
                        let at = usize::try_from(partition).unwrap();
                        tracker.forget(&topic, partition);
                        // Read again from what was committed; what was done behind it is done again.
                        next[at] = committed[at];
                        let kept = committed[at];
                        done[at].retain(|offset| *offset < kept);
                        live[at] = 0;
                    }
                }
                let unfinished = open.iter().filter(|p| p.epoch == live[usize::try_from(p.partition).unwrap()]).count();
                prop_assert_eq!(tracker.unfinished(), unfinished);
            }
        }
    }
}
