//! Who reacts to whose posts. Everybody is a fan of every author, some sooner than others: an author's posts reach the
//! same people again and again, the more popular ones more of them.

use std::collections::HashSet;

use super::draw::{Seed, What};
use super::permutation::Permutation;

/// Places of a user in an author's order, on average: active users have more.
const PLACES: u64 = 4;

/// All users, by how active they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    users: u32,
    places: u64,
    activity: Permutation,
}

impl Crowd {
    pub(super) fn new(seed: &Seed, users: u32) -> Self {
        let all = u64::from(users);
        Self {
            users,
            places: all * PLACES,
            activity: Permutation::new(all, seed.key(What::Activity, 0)),
        }
    }

    /// An author's fans, the most faithful first.
    pub(super) fn fans_of(&self, seed: &Seed, author: u32) -> Fans<'_> {
        let key = seed.key(What::Fans, u64::from(author));
        Fans {
            crowd: self,
            author,
            order: Permutation::new(self.places, key),
        }
    }

    /// Who has a place: the user of rank r by activity has them in proportion to r^(-1/3). With 200,000 users that is 234
    /// places for the first and 3 for the last, 4 on average.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "places and users are numbers below 2^32, the fraction is below 1"
    )]
    fn user_at(&self, place: u64) -> u32 {
        let part = place as f64 / self.places as f64;
        let rank = (part * part.sqrt() * f64::from(self.users)) as u64;
        self.activity.at(rank.min(u64::from(self.users) - 1)) as u32
    }
}

/// The fans of one author.
#[derive(Debug)]
pub(super) struct Fans<'a> {
    crowd: &'a Crowd,
    author: u32,
    order: Permutation,
}

impl Fans<'_> {
    /// The fan at a place; the same one stands at several, and the author is among them.
    pub(super) fn at(&self, place: u64) -> u32 {
        self.crowd.user_at(self.order.at(place))
    }

    /// `count` different fans from a place on, without the author, as ascending indices. There have to be as many.
    pub(super) fn distinct(&self, from: u64, count: usize) -> Vec<u32> {
        let mut seen = HashSet::with_capacity(count + 1);
        seen.insert(self.author);
        let mut found = Vec::with_capacity(count);
        // Every user has a place: after all places everybody was met.
        for place in from..from + self.crowd.places {
            if found.len() == count {
                break;
            }
            let fan = self.at(place);
            if seen.insert(fan) {
                found.push(fan);
            }
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_others_are_fans_of_everybody() {
        let seed = Seed::new(3);
        let crowd = Crowd::new(&seed, 500);
        let everybody = crowd.fans_of(&seed, 7).distinct(11, 499);
        assert_eq!(everybody.len(), 499);
        assert!(everybody.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(!everybody.contains(&7) && everybody.iter().all(|user| *user < 500));
    }

    #[test]
    fn some_are_more_active_than_others() {
        let seed = Seed::new(3);
        let crowd = Crowd::new(&seed, 1_000);
        let mut places = vec![0; 1_000];
        for place in 0..crowd.places {
            places[crowd.user_at(place) as usize] += 1;
        }
        places.sort_unstable();
        assert!(places[0] >= 1, "{}", places[0]);
        assert!((35..=45).contains(&places[999]), "{}", places[999]);
        assert_eq!(places.iter().sum::<u64>(), 4_000);
    }
}
