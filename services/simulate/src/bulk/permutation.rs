//! A shuffled order of 0..n that needs no memory: any place of it is computed by itself.

/// A bijection of 0..n, chosen by a key. A Feistel network over the next power of four, walked until it is within 0..n
/// again: at most four steps on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permutation {
    size: u64,
    /// Bits of each half.
    half: u32,
    key: u64,
}

const ROUNDS: u64 = 4;

impl Permutation {
    /// Of `size` numbers; an empty one maps nothing.
    pub(super) fn new(size: u64, key: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self {
            size,
            half: bits.div_ceil(2).max(1),
            key,
        }
    }

    /// What stands at a place; places beyond the end count from the beginning again.
    pub(super) fn at(&self, place: u64) -> u64 {
        let mut at = place % self.size.max(1);
        loop {
            at = self.step(at);
            if at < self.size.max(1) {
                return at;
            }
        }
    }

    fn step(&self, at: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (at >> self.half, at & mask);
        for round in 0..ROUNDS {
            let mixed = mix(right ^ mix(self.key.wrapping_add(round)));
            (left, right) = (right, left ^ (mixed & mask));
        }
        (left << self.half) | right
    }
}

/// The finalizer of `SplitMix64`: every bit of the result depends on every bit of the argument.
pub(super) const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_stands_at_one_place(size in 1_u64..3_000, key in any::<u64>()) {
            let permutation = Permutation::new(size, key);
            let mut seen = vec![false; usize::try_from(size).unwrap()];
            for place in 0..size {
                let at = usize::try_from(permutation.at(place)).unwrap();
                prop_assert!(!seen[at]);
                seen[at] = true;
            }
        }
    }

    #[test]
    fn the_order_is_shuffled() {
        let permutation = Permutation::new(10_000, 7);
        let ascents = (1..10_000)
            .filter(|place| permutation.at(place - 1) < permutation.at(*place))
            .count();
        assert!((4_700..5_300).contains(&ascents), "{ascents}");
        assert_ne!(permutation.at(0), Permutation::new(10_000, 8).at(0));
    }
}
