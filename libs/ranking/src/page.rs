//! The cut of a page.

/// The elements `offset .. offset + limit` of a list, fewer at its end, none beyond it; never panics.
#[must_use]
pub fn page<T>(list: &[T], offset: usize, limit: usize) -> &[T] {
    let start = offset.min(list.len());
    let end = start.saturating_add(limit).min(list.len());
    &list[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_stay_within_the_list() {
        let list = [0, 1, 2, 3, 4];
        assert_eq!(page(&list, 0, 2), [0, 1]);
        assert_eq!(page(&list, 4, 2), [4]);
        assert!(page(&list, 5, 2).is_empty());
        assert!(page(&list, usize::MAX, usize::MAX).is_empty());
        assert_eq!(page(&list, 1, usize::MAX), [1, 2, 3, 4]);
        assert!(page(&list, 0, 0).is_empty());
    }
}
