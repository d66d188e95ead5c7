//! What a viewer does with a feed: a function of the visit's seed.

use rand::Rng;

/// How viewers behave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behaviour {
    /// Posts looked at on a page, on average; at least one.
    pub seen: f64,
    /// Share of the posts seen that a viewer would like.
    pub liked: f64,
    /// Share of visits in which an author is followed.
    pub followed: f64,
    /// Mean seconds between reading a page and asking for the next one.
    pub think: f64,
}

impl Default for Behaviour {
    /// 3.3 posts of a page are seen, 3 % of them liked, one visit in 250 follows somebody, 1 s from page to page.
    fn default() -> Self {
        Self {
            seen: 3.3,
            liked: 0.03,
            followed: 0.004,
            think: 1.0,
        }
    }
}

impl Behaviour {
    /// How many of a page's `items` are looked at, from the top: each next one with the same probability, so that the mean
    /// is [`Behaviour::seen`] where the page is long enough.
    pub(crate) fn seen_of(&self, items: usize, rng: &mut impl Rng) -> usize {
        let goes_on = (1.0 - 1.0 / self.seen.max(1.0)).clamp(0.0, 1.0);
        let mut seen = items.min(1);
        while seen < items && rng.random_bool(goes_on) {
            seen += 1;
        }
        seen
    }

    /// Seconds until the next page: half to one and a half of the mean.
    pub(crate) fn thinks(&self, rng: &mut impl Rng) -> f64 {
        self.think * rng.random_range(0.5..=1.5)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn a_page_is_looked_at_from_the_top() {
        let behaviour = Behaviour::default();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let seen: usize = (0..10_000).map(|_| behaviour.seen_of(20, &mut rng)).sum();
        assert!((32_000..34_000).contains(&seen), "{seen} on 10,000 pages");
        for _ in 0..100 {
            let seen = behaviour.seen_of(2, &mut rng);
            assert!((1..=2).contains(&seen));
        }
        assert_eq!(behaviour.seen_of(0, &mut rng), 0);
    }
}
