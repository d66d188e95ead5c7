//! What is to be done at a time, in the order of the times.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// A queue ordered by time; what is due at the same time comes out as it went in.
#[derive(Debug)]
pub(crate) struct Due<T> {
    queue: BTreeMap<(Instant, u64), T>,
    entered: u64,
}

impl<T> Due<T> {
    pub(crate) fn new() -> Self {
        Self {
            queue: BTreeMap::new(),
            entered: 0,
        }
    }

    pub(crate) fn push(&mut self, at: Instant, what: T) {
        self.entered += 1;
        self.queue.insert((at, self.entered), what);
    }

    /// The first that is due, if any is.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the first is due.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Makes everything due.
    pub(crate) fn hurry(&mut self, now: Instant) {
        let hurried = std::mem::take(&mut self.queue);
        let earliest = |at: Instant| at.min(now);
        self.queue = hurried
            .into_iter()
            .map(|((at, entered), what)| ((earliest(at), entered), what))
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn first_due_first_out() {
        let now = Instant::now();
        let at = |ms| now + Duration::from_millis(ms);
        let mut due = Due::new();
        for (ms, what) in [(20, 'c'), (10, 'a'), (10, 'b'), (30, 'd')] {
            due.push(at(ms), what);
        }
        assert_eq!(due.pop(now), None);
        assert_eq!(due.first(), Some(at(10)));
        assert_eq!((due.pop(at(10)), due.pop(at(10))), (Some('a'), Some('b')));
        assert_eq!(due.pop(at(10)), None);
        due.hurry(at(15));
        assert_eq!((due.pop(at(15)), due.pop(at(15))), (Some('c'), Some('d')));
        assert!(due.is_empty());
    }
}
