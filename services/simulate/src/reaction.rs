//! What a viewer does with a post on the screen.

use nova_domain::{PostId, UserId};
use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::words;

/// Attractiveness is spread over this many ranks.
const RANKS: u32 = 100;
/// Exponent of attractiveness: with ranks spread evenly over the posts, engagement follows Zipf's law.
const ATTRACTION: f64 = 0.8;

/// How one viewer reacts to one post. An impression always happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// The video was played.
    pub view: bool,
    /// How long it stayed on the screen, in milliseconds.
    pub dwell_ms: u32,
    /// Liked.
    pub like: bool,
    /// Commented on, with these words.
    pub comment: Option<&'static str>,
    /// Shared.
    pub share: bool,
    /// The author is followed from now on.
    pub follow: bool,
}

/// The reaction of a viewer to a post: the same however often the post comes by. The more attractive a post (a property
/// of its id), the likelier everything is; who does not play a video does not like it.
#[must_use]
pub fn react(seed: u64, viewer: UserId, post: PostId, duration_ms: u32) -> Reaction {
    let attraction = attractiveness(post);
    let (viewer, post) = (viewer.uuid().as_u128(), post.uuid().as_u128());
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ fold(viewer.rotate_left(17) ^ post));
    let mut chance = |p: f64| rng.random_bool(p.clamp(0.0, 1.0));
    let view = chance(0.35 + 0.6 * attraction);
    let like = view && chance(0.04 + 0.6 * attraction);
    let comments = view && chance(0.01 + 0.12 * attraction);
    let share = view && chance(0.005 + 0.08 * attraction);
    let follow = like && chance(0.04);
    let comment = comments.then(|| words::remark(&mut rng));
    let watched = if view {
        rng.random_range(0.2..1.0)
    } else {
        rng.random_range(0.01..0.1)
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a u32"
    )]
    let dwell_ms = (f64::from(duration_ms.max(1_000)) * watched) as u32;
    Reaction {
        view,
        dwell_ms,
        like,
        comment,
        share,
        follow,
    }
}

/// 1 for the most attractive posts, falling as rank^-0.8; ranks are spread evenly over the ids.
fn attractiveness(post: PostId) -> f64 {
    let rank = ChaCha8Rng::seed_from_u64(fold(post.uuid().as_u128())).random_range(1..=RANKS);
    f64::from(rank).powf(-ATTRACTION)
}

fn fold(wide: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "both halves go in")]
    let folded = (wide >> 64) as u64 ^ (wide as u64);
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn post(n: u128) -> PostId {
        PostId::new(Uuid::from_u128(
            n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        ))
    }

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n + 1))
    }

    #[test]
    fn likes_follow_zipf() {
        let mut likes: Vec<usize> = (0..400)
            .map(|p| {
                (0..200)
                    .filter(|u| react(1, user(*u), post(p), 10_000).like)
                    .count()
            })
            .collect();
        likes.sort_unstable_by(|a, b| b.cmp(a));
        let all: usize = likes.iter().sum();
        let top: usize = likes.iter().take(40).sum();
        assert!(
            top * 10 > all * 3,
            "a tenth of the posts has 30 % of the likes: {top} of {all}"
        );
        assert!(
            likes[0] > 5 * likes[200].max(1),
            "{} and {}",
            likes[0],
            likes[200]
        );
    }

    #[test]
    fn a_seed_is_a_behaviour() {
        let reactions: Vec<_> = (0..6)
            .map(|p| react(42, user(1), post(p), 20_000))
            .collect();
        insta::assert_debug_snapshot!(reactions);
    }

    proptest! {
        #[test]
        fn reactions_are_consistent(seed in any::<u64>(), u in any::<u64>(), p in any::<u64>(), ms in 0_u32..=3_600_000) {
            let (user, post) = (user(u.into()), post(p.into()));
            let reaction = react(seed, user, post, ms);
            prop_assert_eq!(reaction, react(seed, user, post, ms));
            prop_assert!(reaction.view || !(reaction.like || reaction.comment.is_some() || reaction.share));
            prop_assert!(reaction.dwell_ms <= ms.max(1_000));
        }
    }
}
