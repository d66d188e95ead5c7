//! Randomness that depends on what it is for, and on nothing that was drawn before.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::permutation::mix;

/// What a generator is for: each has streams of its own.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    User = 1,
    Follow,
    Post,
    Like,
    Comment,
    Event,
    Popularity,
    Curiosity,
    Activity,
    Fans,
    PostRank,
    EventRank,
}

/// The seed of a population.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    generator: ChaCha8Rng,
    word: u64,
}

impl Seed {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            generator: ChaCha8Rng::seed_from_u64(seed),
            word: mix(seed),
        }
    }

    /// The generator of one thing.
    pub(super) fn of(&self, what: What, index: u32) -> ChaCha8Rng {
        let mut generator = self.generator.clone();
        generator.set_stream((what as u64) << 32 | u64::from(index));
        generator
    }

    /// The key of a permutation.
    pub(super) fn key(&self, what: What, index: u64) -> u64 {
        mix(self.word ^ mix((what as u64) << 48 ^ index))
    }
}

/// A version 7 UUID of this time (milliseconds since 1970), random in all else.
pub(super) fn uuid_at(millis: i64, generator: &mut ChaCha8Rng) -> Uuid {
    let random: [u8; 10] = generator.random();
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or(0), &random)
        .into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_has_a_stream_of_its_own() {
        let seed = Seed::new(1);
        let first = |what, index| seed.of(what, index).random::<u64>();
        assert_eq!(first(What::Like, 7), first(What::Like, 7));
        assert_ne!(first(What::Like, 7), first(What::Like, 8));
        assert_ne!(first(What::Like, 7), first(What::Comment, 7));
        assert_ne!(
            Seed::new(2).of(What::Like, 7).random::<u64>(),
            first(What::Like, 7)
        );
    }
}
