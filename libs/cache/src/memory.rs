//! Whether Redis has room.

use redis::Pipeline;

use crate::client::Cache;
use crate::error::CacheError;
use crate::metrics::Operation;
use crate::reply::Replies;

const WHAT: &str = "statistics";

impl Cache {
    /// Keys that Redis has forgotten for want of room since it was started, whoever wrote them. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer, [`CacheError::Refused`] when it may not tell and [`CacheError::Corrupt`] when it
    /// does not.
    pub async fn evicted_keys(&self) -> Result<u64, CacheError> {
        let mut ask = Pipeline::with_capacity(1);
        ask.cmd("INFO").arg("stats");
        let operation = Operation::STATISTICS;
        let mut replies = Replies::new(operation, self.read(operation, &ask).await?);
        let told = replies.bytes(WHAT, || "INFO stats".to_owned())?;
        let evicted = told.as_deref().and_then(evicted);
        evicted.ok_or_else(|| CacheError::Corrupt {
            what: WHAT,
            reason: "the number of evicted keys is not among them".to_owned(),
        })
    }
}

/// Of the lines `name:value`.
fn evicted(statistics: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(statistics).ok()?;
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix("evicted_keys:"))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_among_others() {
        let told = b"# Stats\r\nexpired_keys:3\r\nevicted_keys:1200\r\nevicted_clients:7\r\n";
        assert_eq!(evicted(told), Some(1_200));
        for other in [
            &b"# Stats\r\nexpired_keys:3\r\n"[..],
            b"evicted_keys:\r\n",
            b"\xff",
        ] {
            assert_eq!(evicted(other), None);
        }
    }
}
