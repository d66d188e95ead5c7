//! Texts about nothing in particular.

use rand::Rng;
use rand::seq::IndexedRandom as _;

const QUALITIES: [&str; 20] = [
    "quiet", "bright", "slow", "early", "late", "small", "wide", "steady", "warm", "cold", "soft",
    "clear", "green", "golden", "rainy", "windy", "open", "hidden", "simple", "long",
];

const THINGS: [&str; 24] = [
    "river",
    "kitchen",
    "garden",
    "street",
    "bridge",
    "mountain",
    "lake",
    "window",
    "market",
    "train",
    "harbour",
    "forest",
    "bicycle",
    "bread",
    "lantern",
    "staircase",
    "workshop",
    "meadow",
    "rooftop",
    "library",
    "tide",
    "orchard",
    "kettle",
    "path",
];

const MOMENTS: [&str; 12] = [
    "at dawn",
    "before lunch",
    "in the rain",
    "on a Sunday",
    "after dark",
    "in spring",
    "by the sea",
    "for five minutes",
    "without music",
    "from above",
    "step by step",
    "once more",
];

const REMARKS: [&str; 16] = [
    "lovely light",
    "where is this?",
    "again, please",
    "so calm",
    "the colours!",
    "saved for later",
    "well made",
    "I could watch this for an hour",
    "more of these",
    "the sound is great",
    "what a place",
    "how long did it take?",
    "perfect timing",
    "this made my day",
    "very neat",
    "good one",
];

/// What stands under a video.
pub(crate) fn caption(rng: &mut impl Rng) -> String {
    let pick = |words: &'static [&'static str], rng: &mut _| {
        words.choose(rng).copied().unwrap_or("something")
    };
    let (quality, thing) = (pick(&QUALITIES, rng), pick(&THINGS, rng));
    let moment = pick(&MOMENTS, rng);
    let tag = pick(&THINGS, rng);
    format!("A {quality} {thing} {moment} #{tag}")
}

/// What a viewer says to it.
pub(crate) fn remark(rng: &mut impl Rng) -> &'static str {
    REMARKS.choose(rng).copied().unwrap_or("good one")
}
