//! ClickHouse's own consumers of Kafka, a table each: which of them are in no group, and how one is made anew.

use std::time::Duration;

use clickhouse::sql::Identifier;

use crate::client::{Olap, within};
use crate::error::OlapError;

/// In no group: each assignment, one of no partitions too, was revoked. Of tables with several consumers, one is enough.
const IN_NO_GROUP: &str = "SELECT DISTINCT table FROM system.kafka_consumers \
                           WHERE database = ? AND num_rebalance_assignments <= num_rebalance_revocations ORDER BY table";

/// Attaches a table if it is detached, and does nothing if it is not.
pub(crate) const ATTACH: &str = "ATTACH TABLE IF NOT EXISTS ?";

impl Olap {
    /// The Kafka tables of which a consumer is in no group at this moment: it is joining, or has lost its brokers.
    /// Reads a system table.
    ///
    /// # Errors
    /// [`OlapError::Query`], or [`OlapError::Deadline`].
    pub async fn consumers_in_no_group(
        &self,
        deadline: Duration,
    ) -> Result<Vec<String>, OlapError> {
        let asked = self.client().query(IN_NO_GROUP).bind(&*self.database);
        within(deadline, async { Ok(asked.fetch_all::<String>().await?) }).await
    }

    /// Detaches a Kafka table and attaches it again: its consumer is a new one that reads on from what was committed. What
    /// was read and not committed is read again. Its views stay.
    ///
    /// # Errors
    /// As [`Olap::consumers_in_no_group`]; the table may be detached then, until [`Olap::attach_consumer`] or the next start
    /// of the server.
    pub async fn restart_consumer(&self, table: &str, deadline: Duration) -> Result<(), OlapError> {
        self.change("DETACH TABLE IF EXISTS ? SYNC", table, deadline)
            .await?;
        self.attach_consumer(table, deadline).await
    }

    /// Attaches a Kafka table if it is detached.
    ///
    /// # Errors
    /// As [`Olap::consumers_in_no_group`].
    pub async fn attach_consumer(&self, table: &str, deadline: Duration) -> Result<(), OlapError> {
        self.change(ATTACH, table, deadline).await
    }

    async fn change(
        &self,
        statement: &str,
        table: &str,
        deadline: Duration,
    ) -> Result<(), OlapError> {
        let statement = self.client().query(statement).bind(Identifier(table));
        within(deadline, async { Ok(statement.execute().await?) }).await
    }
}
