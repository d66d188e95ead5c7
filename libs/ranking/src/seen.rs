//! What the viewer has seen goes to the end, so that a refresh shows new things first.

/// Moves the posts that `seen` names behind all others and says how many of the others there are. The order within
/// both parts stays.
pub fn unseen_first<T>(posts: &mut Vec<T>, mut seen: impl FnMut(&T) -> bool) -> usize {
    let (mut shown, last): (Vec<T>, Vec<T>) = posts.drain(..).partition(|post| !seen(post));
    let unseen = shown.len();
    shown.extend(last);
    *posts = shown;
    unseen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_keep_their_order() {
        let mut list = vec![5, 2, 4, 1, 3];
        assert_eq!(unseen_first(&mut list, |n| n % 2 == 0), 3);
        assert_eq!(list, [5, 1, 3, 2, 4]);
    }

    #[test]
    fn all_or_none_seen_changes_nothing() {
        let mut list = vec![1, 2, 3];
        assert_eq!(unseen_first(&mut list, |_| false), 3);
        assert_eq!(unseen_first(&mut list, |_| true), 0);
        assert_eq!(list, [1, 2, 3]);
        assert_eq!(unseen_first(&mut Vec::<u8>::new(), |_| true), 0);
    }
}
