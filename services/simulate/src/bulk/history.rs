//! When things came to be: whole milliseconds, one after another.

use super::permutation::mix;

/// Times of `count` things between `from` and `to` (milliseconds since 1970), evenly spread, each somewhere in its own
/// part: ascending with the index, so that ids made of them sort by it. There has to be a millisecond for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spread {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) count: u32,
    pub(super) key: u64,
}

impl Spread {
    pub(super) fn at(&self, index: u32) -> i64 {
        let begin = self.border(index);
        let width = (self.border(index + 1) - begin).max(1).cast_unsigned();
        begin + (mix(self.key ^ u64::from(index)) % width).cast_signed()
    }

    fn border(&self, index: u32) -> i64 {
        self.from + (self.to - self.from) * i64::from(index) / i64::from(self.count.max(1))
    }
}

const HOUR: i64 = 3_600_000;

/// A week of posts: 30 % of them in its last 72 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Week {
    before: Spread,
    lately: Spread,
}

impl Week {
    /// The week before `base`.
    pub(super) const fn before(base: i64, posts: u32, key: u64) -> Self {
        // Three tenths, without a wider integer.
        let lately = posts / 10 * 3 + posts % 10 * 3 / 10;
        let border = base - 72 * HOUR;
        Self {
            before: Spread {
                from: base - 7 * 24 * HOUR,
                to: border,
                count: posts - lately,
                key,
            },
            lately: Spread {
                from: border,
                to: base,
                count: lately,
                key: !key,
            },
        }
    }

    pub(super) fn at(&self, index: u32) -> i64 {
        match index.checked_sub(self.before.count) {
            None => self.before.at(index),
            Some(later) => self.lately.at(later),
        }
    }
}

/// The users' accounts: made in the two years that end the day before the first post.
pub(super) const fn accounts(base: i64, users: u32, key: u64) -> Spread {
    Spread {
        from: base - (8 + 2 * 365) * 24 * HOUR,
        to: base - 8 * 24 * HOUR,
        count: users,
        key,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_ascend_within_the_week(posts in 1_u32..5_000, key in any::<u64>()) {
            let base = 1_700_000_000_000;
            let week = Week::before(base, posts, key);
            let times: Vec<i64> = (0..posts).map(|index| week.at(index)).collect();
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(times[0] >= base - 7 * 24 * HOUR && times[times.len() - 1] < base);
            let lately = times.iter().filter(|at| **at >= base - 72 * HOUR).count();
            prop_assert_eq!(lately as u64, u64::from(posts) * 3 / 10);
        }
    }
}
