//! Deletes the keys of floors and alternatives.

use anyhow::{Context as _, bail};
use redis::aio::MultiplexedConnection;
use redis::cmd;

use crate::alternatives::keys::PREFIX;

/// Keys looked at with one command.
const COUNT: usize = 1_000;
/// More rounds than the largest server here has keys for: then something else is wrong.
const ROUNDS: usize = 1_000_000;

/// Every key with the prefix. Looks through all keys there are, a thousand at a time.
pub(crate) async fn delete_all(redis: &mut MultiplexedConnection) -> anyhow::Result<()> {
    let mut cursor = 0_u64;
    for _ in 0..ROUNDS {
        let (next, found): (u64, Vec<String>) = cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(format!("{PREFIX}*"))
            .arg("COUNT")
            .arg(COUNT)
            .query_async(redis)
            .await
            .context("looking for keys")?;
        if !found.is_empty() {
            let _: i64 = cmd("UNLINK")
                .arg(&found)
                .query_async(redis)
                .await
                .context("deleting keys")?;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(());
        }
    }
    bail!("looking for keys of {PREFIX} does not end")
}
