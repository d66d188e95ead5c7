//! Posts that viewers have seen and would like: what the stream of likes takes its posts from.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use nova_domain::{PostId, UserId};

/// More than this are not remembered: the oldest wishes are forgotten.
const MOST: usize = 5_000;

/// A viewer who would like a post.
pub(crate) type Wish = (UserId, PostId);

/// Filled by viewers, emptied by the stream of likes.
#[derive(Debug, Default)]
pub(crate) struct Wishes(Mutex<VecDeque<Wish>>);

impl Wishes {
    pub(crate) fn push(&self, wish: Wish) {
        let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if wishes.len() == MOST {
            wishes.pop_front();
        }
        wishes.push_back(wish);
    }

    /// The oldest.
    pub(crate) fn take(&self) -> Option<Wish> {
        let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wishes.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_wish_comes_first_and_too_many_are_forgotten() {
        let wishes = Wishes::default();
        let made: Vec<Wish> = (0..=MOST)
            .map(|_| (UserId::generate(), PostId::generate()))
            .collect();
        for wish in &made {
            wishes.push(*wish);
        }
        assert_eq!(wishes.take(), Some(made[1]));
        assert_eq!(wishes.take(), Some(made[2]));
        while wishes.take().is_some() {}
        assert_eq!(wishes.take(), None);
    }
}
