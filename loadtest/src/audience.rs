//! Who is there: a fixed number of viewers online, who come back every few seconds and are replaced when they leave.
//!
//! A visit is made by any of those who are online, each as likely as the other: the gap between two visits of a viewer
//! is then exponential with the mean `online / visits per second`. With every visit a viewer leaves with the same
//! probability, so sessions are geometric, and the state at the beginning is already the one of a long run. Who comes
//! instead is drawn from the population by activity. Nothing of this depends on how fast the servers answer.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Zipf};

/// Exponent of activity: of a population ranked by activity, rank r comes online in proportion to r^-0.8. The same as
/// that of `nova simulate`.
const ACTIVITY: f64 = 0.8;
/// Draws before somebody who is not online is looked for one by one.
const TRIES: usize = 64;

/// How often viewers come back, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// Mean seconds between two visits of a viewer who is online.
    pub gap: f64,
    /// Mean visits of a session.
    pub visits: f64,
}

impl Habits {
    /// Viewers online at a time, when there are so many visits per second; at least one.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, at least one, and bounded by a float's range of a count of people"
    )]
    pub fn online(&self, visits_per_second: f64) -> usize {
        (visits_per_second * self.gap).round().max(1.0) as usize
    }
}

/// There are not enough users for so many viewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFew {
    /// Viewers online at a time.
    pub online: usize,
    /// Users there are.
    pub people: usize,
}

impl std::fmt::Display for TooFew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} viewers at a time need a population of at least {}, and there are {} users: with fewer, each would come \
             back more often than people do, and the hit rate would be too good; load more data or ask for fewer reads",
            self.online,
            2 * self.online,
            self.people
        )
    }
}

impl std::error::Error for TooFew {}

/// Viewers by index into a population that is ranked by activity.
#[derive(Debug)]
pub struct Audience {
    online: Vec<usize>,
    is_online: Vec<bool>,
    activity: Zipf<f64>,
    leave: f64,
    rng: ChaCha8Rng,
}

impl Audience {
    /// `online` viewers out of `people`, who stay for `visits` visits on average.
    ///
    /// # Errors
    /// When fewer than half of the people would be offline.
    pub fn new(people: usize, online: usize, visits: f64, seed: u64) -> Result<Self, TooFew> {
        let too_few = TooFew { online, people };
        if online == 0 || people < 2 * online {
            return Err(too_few);
        }
        let ranks = u32::try_from(people).map_or(f64::from(u32::MAX), f64::from);
        let mut audience = Self {
            online: Vec::with_capacity(online),
            is_online: vec![false; people],
            activity: Zipf::new(ranks, ACTIVITY).map_err(|_| too_few)?,
            leave: 1.0 / visits.max(1.0),
            rng: ChaCha8Rng::seed_from_u64(seed),
        };
        for _ in 0..online {
            let person = audience.comes();
            audience.online.push(person);
        }
        Ok(audience)
    }

    /// Who is online now, each once.
    #[must_use]
    pub fn online(&self) -> &[usize] {
        &self.online
    }

    /// Who visits now. Whoever leaves with this visit is replaced.
    pub fn visitor(&mut self) -> usize {
        let place = self.rng.random_range(0..self.online.len());
        let leaves = self.rng.random_bool(self.leave);
        let Some(&person) = self.online.get(place) else {
            return 0;
        };
        if leaves {
            let next = self.comes();
            if let Some(place) = self.online.get_mut(place) {
                *place = next;
            }
            if let Some(flag) = self.is_online.get_mut(person) {
                *flag = false;
            }
        }
        person
    }

    /// Somebody who is online, for an action that is no visit.
    pub fn anyone(&mut self) -> usize {
        let place = self.rng.random_range(0..self.online.len());
        self.online.get(place).copied().unwrap_or(0)
    }

    /// A number for decisions that belong to one arrival.
    pub fn seed(&mut self) -> u64 {
        self.rng.random()
    }

    /// Brings somebody online who is not.
    fn comes(&mut self) -> usize {
        for _ in 0..TRIES {
            let person = self.draw();
            if self.take(person) {
                return person;
            }
        }
        // Half of the people are offline at least, so this ends.
        let from = self.draw();
        let people = self.is_online.len();
        let found = (0..people)
            .map(|step| (from + step) % people)
            .find(|person| self.take(*person));
        found.unwrap_or(from)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a sample is a whole number from 1 to the size of the population"
    )]
    fn draw(&mut self) -> usize {
        let rank = self.activity.sample(&mut self.rng) as usize;
        rank.clamp(1, self.is_online.len()) - 1
    }

    fn take(&mut self, person: usize) -> bool {
        match self.is_online.get_mut(person) {
            Some(online) if !*online => {
                *online = true;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn nobody_is_online_twice_and_their_number_stays() {
        let mut audience = Audience::new(100, 50, 3.0, 1).unwrap();
        for _ in 0..1_000 {
            audience.visitor();
            let distinct: HashSet<_> = audience.online.iter().collect();
            assert_eq!(distinct.len(), 50);
            let flags = audience.is_online.iter().filter(|online| **online).count();
            assert_eq!(flags, 50);
        }
    }

    #[test]
    fn sessions_have_the_asked_length_and_the_active_come_more_often() {
        let mut audience = Audience::new(10_000, 100, 20.0, 2).unwrap();
        let mut visits: HashMap<usize, u32> = HashMap::new();
        let mut sessions = 100_u32;
        for _ in 0..200_000 {
            let visitor = audience.visitor();
            *visits.entry(visitor).or_default() += 1;
            sessions += u32::from(!audience.is_online[visitor]);
        }
        let mean = 200_000.0 / f64::from(sessions);
        assert!((18.0..22.0).contains(&mean), "{mean} visits a session");
        let of = |people: std::ops::Range<usize>| -> u32 {
            people.filter_map(|person| visits.get(&person)).sum()
        };
        let (most, least) = (of(0..100), of(9_900..10_000));
        assert!(most > 5 * least.max(1), "{most} {least}");
    }

    #[test]
    fn a_population_that_would_flatter_the_hit_rate_is_refused() {
        assert!(Audience::new(200, 100, 5.0, 1).is_ok());
        let refused = Audience::new(199, 100, 5.0, 1).unwrap_err();
        assert!(refused.to_string().contains("at least 200"), "{refused}");
        assert!(Audience::new(0, 0, 5.0, 1).is_err());
    }

    /// The share of hits when a ranking counts for 60 s and is shown for 30 s more while a new one is made, and nothing
    /// else happens: no post of a followee, no warmer. 200 reads a second of 20,000 users, three of ten visits three pages.
    fn hits(gap: f64, visits: f64) -> f64 {
        let visits_per_second = 125.0;
        let online = Habits { gap, visits }.online(visits_per_second);
        let mut audience = Audience::new(20_000, online, visits, 3).unwrap();
        let mut ranked = vec![f64::NEG_INFINITY; 20_000];
        let (mut hits, mut reads) = (0_u32, 0_u32);
        for arrival in 0..200_000_u32 {
            let now = f64::from(arrival) / visits_per_second;
            let viewer = audience.visitor();
            let pages = if arrival % 10 < 3 { 3 } else { 1 };
            let age = now - ranked[viewer];
            let missed = u32::from(age >= 60.0);
            if age >= 60.0 {
                ranked[viewer] = now;
            }
            // The first minutes only fill the caches.
            if now >= 300.0 {
                reads += pages;
                hits += pages - missed;
            }
        }
        f64::from(hits) / f64::from(reads)
    }

    #[test]
    fn the_hit_rate_follows_from_the_habits() {
        // The README has these numbers.
        for (gap, visits, percent) in [
            (3.0, 24.0, 95.6),
            (5.0, 24.0, 93.9),
            (5.0, 12.0, 92.4),
            (10.0, 24.0, 89.8),
            (20.0, 24.0, 83.1),
        ] {
            let found = hits(gap, visits) * 100.0;
            assert!(
                (found - percent).abs() < 0.7,
                "{gap} s, {visits}: {found:.1} %"
            );
        }
    }

    #[test]
    fn the_number_online_follows_from_the_gap() {
        let habits = Habits {
            gap: 5.0,
            visits: 24.0,
        };
        assert_eq!(habits.online(125.0), 625);
        assert_eq!(habits.online(0.01), 1);
    }
}
