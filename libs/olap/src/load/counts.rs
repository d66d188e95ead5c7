//! How much there is.

use nova_domain::UserId;

use crate::client::Olap;
use crate::error::OlapError;

/// The table of client events.
pub const FACTS_OF_EVENTS: &str = "events_raw";

/// Rows of a table of facts, each key once, without those that are gone. Reads the whole key: 0.1 s a million rows.
///
/// # Errors
/// [`OlapError::Query`].
pub async fn count_facts(olap: &Olap, table: &'static str) -> Result<u64, OlapError> {
    Ok(olap
        .client()
        .query(&format!("SELECT count() FROM {table} FINAL"))
        .fetch_one()
        .await?)
}

/// Whether there is a post of anybody else. Reads posts until one is found.
///
/// # Errors
/// [`OlapError::Query`].
pub async fn has_posts_of_others(olap: &Olap, unheeded: &[UserId]) -> Result<bool, OlapError> {
    let found: u8 = olap
        .client()
        .query("SELECT count() > 0 FROM (SELECT 1 FROM posts_cdc WHERE NOT has({unheeded:Array(UUID)}, author_id) LIMIT 1)")
        .param("unheeded", unheeded)
        .fetch_one()
        .await?;
    Ok(found == 1)
}

/// All tables of the database on disk, in bytes.
///
/// # Errors
/// [`OlapError::Query`].
pub async fn bytes_on_disk(olap: &Olap) -> Result<u64, OlapError> {
    Ok(olap
        .client()
        .query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()")
        .fetch_one()
        .await?)
}
