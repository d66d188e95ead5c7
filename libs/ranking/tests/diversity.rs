//! What holds for every list that is put in order of diversity, and that it is what a slow, obvious computation gives.

use std::collections::HashMap;

use nova_domain::UserId;
use nova_ranking::{Diversity, diversify, unseen_first};
use proptest::prelude::*;
use uuid::Uuid;

fn author(n: u8) -> UserId {
    UserId::new(Uuid::from_u128(u128::from(n)))
}

/// From one author of everything to everybody with one post.
fn authors() -> impl Strategy<Value = Vec<UserId>> {
    prop_oneof![
        proptest::collection::vec(0..2_u8, 0..60),
        proptest::collection::vec(0..6_u8, 0..120),
        proptest::collection::vec(any::<u8>(), 0..120),
        // One author who posts all the time among others.
        proptest::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..120),
    ]
    .prop_map(|numbers| numbers.into_iter().map(author).collect())
}

fn limits() -> impl Strategy<Value = Diversity> {
    prop_oneof![
        2 => Just(Diversity::default()),
        3 => (0..5_u32, 0..14_u32).prop_map(|(max_per_author, window)| Diversity { max_per_author, window }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(max_per_author, window)| Diversity { max_per_author, window }),
    ]
}

/// How many of the `window - 1` posts placed last are by `author`.
fn recent(placed: &[usize], authors: &[UserId], author: UserId, limits: Diversity) -> usize {
    let before = limits.window.max(1) as usize - 1;
    placed
        .iter()
        .rev()
        .take(before)
        .filter(|p| authors[**p] == author)
        .count()
}

/// The rule as it is written: look at every post that is left, for every place.
fn reference(authors: &[UserId], border: usize, limits: Diversity) -> Vec<usize> {
    let max = limits.max_per_author.max(1) as usize;
    let border = border.min(authors.len());
    let mut placed: Vec<usize> = Vec::new();
    for part in [0..border, border..authors.len()] {
        let mut left: Vec<usize> = part.collect();
        while !left.is_empty() {
            let allowed = left
                .iter()
                .position(|p| recent(&placed, authors, authors[*p], limits) < max);
            placed.push(left.remove(allowed.unwrap_or(0)));
        }
    }
    placed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn it_is_what_the_rule_gives_written_down(authors in authors(), border in 0..130_usize, limits in limits()) {
        prop_assert_eq!(diversify(&authors, border, limits), reference(&authors, border, limits));
    }

    #[test]
    fn it_is_a_permutation_that_keeps_each_part_and_each_author_in_order(
        authors in authors(), border in 0..130_usize, limits in limits()
    ) {
        let order = diversify(&authors, border, limits);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert!(sorted.iter().copied().eq(0..authors.len()));
        let border = border.min(authors.len());
        prop_assert!(order[..border].iter().all(|p| *p < border));
        let mut last: HashMap<(UserId, bool), usize> = HashMap::new();
        for post in &order {
            if let Some(before) = last.insert((authors[*post], *post < border), *post) {
                prop_assert!(before < *post);
            }
        }
    }

    #[test]
    fn a_share_is_exceeded_only_where_everybody_left_exceeds_theirs(
        authors in authors(), border in 0..130_usize, limits in limits()
    ) {
        let max = limits.max_per_author.max(1) as usize;
        let order = diversify(&authors, border, limits);
        let border = border.min(authors.len());
        for (place, post) in order.iter().enumerate() {
            let placed = &order[..place];
            if recent(placed, &authors, authors[*post], limits) >= max {
                let end = if place < border { border } else { authors.len() };
                for left in &order[place..end] {
                    prop_assert!(recent(placed, &authors, authors[*left], limits) >= max);
                }
            }
        }
    }

    #[test]
    fn a_list_within_the_limits_stays(authors in authors(), border in 0..130_usize) {
        let limits = Diversity::default();
        let order = diversify(&authors, border, limits);
        let arranged: Vec<UserId> = order.iter().map(|p| authors[*p]).collect();
        let fits = |list: &[UserId]| list.windows(10).all(|w| w.iter().all(|a| w.iter().filter(|b| *b == a).count() <= 2))
            && (list.len() >= 10 || list.iter().all(|a| list.iter().filter(|b| *b == a).count() <= 2));
        if fits(&authors) {
            prop_assert_eq!(&arranged, &authors);
        }
        if fits(&arranged) {
            // Again changes nothing.
            prop_assert!(diversify(&arranged, border, limits).into_iter().eq(0..authors.len()));
        }
        // A window no longer than the share limits nothing.
        let none = Diversity { max_per_author: 3, window: 3 };
        prop_assert!(diversify(&authors, border, none).into_iter().eq(0..authors.len()));
    }

    #[test]
    fn seen_posts_are_behind_the_others_and_nothing_else_changes(
        list in proptest::collection::vec((any::<u16>(), any::<bool>()), 0..100)
    ) {
        let mut moved = list.clone();
        let unseen = unseen_first(&mut moved, |(_, seen)| *seen);
        let part = |wanted: bool| list.iter().filter(move |(_, seen)| *seen == wanted);
        prop_assert_eq!(unseen, part(false).count());
        prop_assert!(moved.iter().eq(part(false).chain(part(true))));
    }
}
