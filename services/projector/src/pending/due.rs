//! What is to be done at a time, in the order of the times.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// A place in the queue, until what stands there comes out or is hurried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(Instant, u64);

impl Place {
    /// Whether what stands there is due.
    pub(crate) fn is_due(self, now: Instant) -> bool {
        self.0 <= now
    }
}

/// A queue ordered by time; what is due at the same time comes out as it went in.
#[derive(Debug)]
pub(crate) struct Due<T> {
    queue: BTreeMap<Place, T>,
    entered: u64,
}

impl<T> Due<T> {
    pub(crate) fn new() -> Self {
        Self {
            queue: BTreeMap::new(),
            entered: 0,
        }
    }

    pub(crate) fn push(&mut self, at: Instant, what: T) -> Place {
        self.entered += 1;
        let place = Place(at, self.entered);
        self.queue.insert(place, what);
        place
    }

    /// Takes out what stands there, due or not.
    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        self.queue.remove(&place)
    }

    /// The first that is due, if any is.
    pub(crate) fn next(&self, now: Instant) -> Option<&T> {
        let (place, what) = self.queue.first_key_value()?;
        place.is_due(now).then_some(what)
    }

    /// Takes out the first that is due, if any is.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        let first = self.queue.first_entry()?;
        first.key().is_due(now).then(|| first.remove())
    }

    /// When the first is due.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|(Place(at, _), _)| *at)
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
            .map(|(Place(at, entered), what)| (Place(earliest(at), entered), what))
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
        let place = due.push(at(25), 'e');
        assert_eq!((due.remove(place), due.remove(place)), (Some('e'), None));
        due.hurry(at(15));
        assert_eq!((due.pop(at(15)), due.pop(at(15))), (Some('c'), Some('d')));
        assert!(due.is_empty());
    }
}
