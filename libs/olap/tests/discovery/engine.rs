//! A real ClickHouse with the schema.

use std::fmt::Debug;
use std::time::Duration;

use clickhouse::{RowOwned, RowWrite};
use nova_olap::{Olap, OlapConfig, schema};
use nova_testbed::{Stack, wait_for};

/// Time enough on a loaded machine: these tests are about answers.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A running engine with an empty schema. It stops when the stack is dropped.
pub(crate) async fn start() -> (Olap, Stack) {
    let stack = nova_testbed::clickhouse().await.unwrap();
    let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
    let olap = Olap::new(&config);
    schema::apply(&olap).await.unwrap();
    (olap, stack)
}

/// Inserts rows in several parts, so that versions of one key lie in different parts.
pub(crate) async fn insert<T: RowOwned + RowWrite>(olap: &Olap, table: &str, rows: &[T]) {
    for part in rows.chunks(rows.len().div_ceil(3).max(1)) {
        let mut insert = olap.client().insert::<T>(table).await.unwrap();
        for row in part {
            insert.write(row).await.unwrap();
        }
        insert.end().await.unwrap();
    }
}

/// Waits for a recount of this name that began after now by the server's clock.
pub(crate) async fn recounted(olap: &Olap, name: &str) {
    let now: i64 = one(olap, "SELECT toUnixTimestamp64Milli(now64(3, 'UTC'))").await;
    let last = format!(
        "SELECT toUnixTimestamp64Milli(max(at)) FROM recount_watermarks WHERE startsWith(name, '{name}')"
    );
    let refresh = format!("SYSTEM REFRESH VIEW mv_{name}");
    olap.client().query(&refresh).execute().await.unwrap();
    wait_for(Duration::from_secs(60), async || {
        let last: i64 = one(olap, &last).await;
        if last > now {
            Ok(())
        } else {
            Err(format!("the last recount began {} ms before", now - last))
        }
    })
    .await
    .unwrap();
}

/// Asks until the answer is the expected one.
pub(crate) async fn becomes<T: PartialEq + Debug>(expected: T, ask: impl AsyncFn() -> T) {
    wait_for(Duration::from_secs(60), async || {
        let found = ask().await;
        if found == expected {
            Ok(())
        } else {
            Err(format!("{found:?}, not {expected:?}"))
        }
    })
    .await
    .unwrap();
}

async fn one(olap: &Olap, query: &str) -> i64 {
    olap.client().query(query).fetch_one().await.unwrap()
}
