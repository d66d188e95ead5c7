//! What the queries are asked with.

use std::collections::BTreeMap;

fn id(kind: u8, number: u32) -> String {
    format!("00000000-0000-700{kind}-8000-{number:012x}")
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// A user, two pages of posts, an author; limits as configured.
pub(crate) fn parameters(now: &str) -> BTreeMap<&'static str, String> {
    let quoted = |kind, number| format!("'{}'", id(kind, number));
    let pairs = |left: u8, right: u8| {
        list((0..40).map(|n| format!("({},{})", quoted(left, 7 * n), quoted(right, 11 * n))))
    };
    let posts_by_author =
        list((0..40).map(|n| format!("({},'{now}',{})", quoted(2, n), quoted(1, 11 * n))));
    BTreeMap::from([
        ("viewer", id(2, 500)),
        (
            "viewers",
            list([500, 501, 502].map(|n| quoted(2, n)).into_iter()),
        ),
        ("now", now.to_owned()),
        ("post_ids", list((0..8).map(|n| quoted(1, 499 * n)))),
        ("author_ids", list((0..3).map(|n| quoted(2, n)))),
        ("positions", "[(0,17),(3,9000)]".to_owned()),
        ("topic", "cdc.likes".to_owned()),
        ("authors", list((0..50).map(|n| quoted(2, 7 * n)))),
        // Of the viewers, the first asks for all of them.
        ("places", list((0..50).map(|_| "1".to_owned()))),
        (
            "followed affinity_candidates_together",
            list((0..50).map(|_| "0".to_owned())),
        ),
        ("followed", list((0..20).map(|n| quoted(2, 7 * n)))),
        (
            "keys recounted_counts",
            list((0..40).map(|n| format!("('{now}',{})", quoted(1, 11 * n)))),
        ),
        ("keys seen_likes", pairs(1, 2)),
        ("keys seen_comments", pairs(1, 3)),
        ("keys seen_follows", pairs(2, 2)),
        ("keys seen_posts", posts_by_author),
        ("since", "39500".to_owned()),
        ("since newest_candidates", now.to_owned()),
        ("since newest_candidates_together", now.to_owned()),
        ("after_at", "0".to_owned()),
        ("after_post", id(0, 0)),
        ("last_post", id(1, 500)),
        ("created_after", now.to_owned()),
        ("window_hours", "24".to_owned()),
        ("interaction_days", "90".to_owned()),
        ("max_posts", "200".to_owned()),
        ("max_authors", "50".to_owned()),
        ("max_users", "20".to_owned()),
        ("max_followers", "10000".to_owned()),
        ("max_likes", "50".to_owned()),
        ("max_likers", "1000".to_owned()),
        ("max_similar", "100".to_owned()),
        ("max_follows", "200".to_owned()),
        ("comment_weight", "2".to_owned()),
        ("share_weight", "3".to_owned()),
        ("decay_per_hour", "0.1".to_owned()),
        ("weight_engagement", "0.4".to_owned()),
        ("weight_freshness", "0.3".to_owned()),
    ])
}
