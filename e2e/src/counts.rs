//! Whole tables as one number, to tell whether anything changed.

use std::collections::BTreeMap;

use crate::world::World;

/// The content of each table, as a hash: rows in any order, versions included.
pub type Fingerprints = BTreeMap<&'static str, u64>;

/// What a replay must leave as it is: the facts, the same facts in another order, and every derived number.
const TABLES: [(&str, &str); 11] = [
    ("posts_cdc", "*"),
    ("likes_cdc", "*"),
    ("comments_cdc", "*"),
    ("follows_cdc", "*"),
    ("events_raw", "*"),
    ("posts_by_author", "*"),
    ("follow_graph", "*"),
    ("user_author_90d", "*"),
    // Versions here are the times of writing.
    ("dead_letters", "* EXCEPT received_at"),
    ("post_engagement", "* EXCEPT (_version, recount)"),
    ("post_metrics_1h", "* EXCEPT _version"),
];

/// Reads every table with FINAL.
///
/// # Errors
/// What ClickHouse says.
pub async fn fingerprints(world: &World) -> Result<Fingerprints, String> {
    let mut found = Fingerprints::new();
    for (table, columns) in TABLES {
        let query = format!(
            "SELECT sum(cityHash64(tuple(*))) + count() FROM (SELECT {columns} FROM {table} FINAL)"
        );
        found.insert(table, world.number(&query).await?);
    }
    let scores = "SELECT sum(cityHash64(post_id, likes, comments, shares, impressions, views)) FROM post_ranking_scores";
    found.insert("post_ranking_scores", world.number(scores).await?);
    Ok(found)
}
