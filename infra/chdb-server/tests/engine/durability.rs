//! What was acknowledged is there after a stop and after a kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clickhouse::{Client, Row};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::support::{Server, eventually};

const TABLE: &str = "CREATE TABLE t (task UInt64, n UInt64) ENGINE = MergeTree ORDER BY (task, n)";

#[derive(Row, Serialize, Deserialize)]
struct Entry {
    task: u64,
    n: u64,
}

async fn write(client: &Client, task: u64, n: u64) -> clickhouse::error::Result<()> {
    let mut insert = client.insert::<Entry>("t").await?;
    insert.write(&Entry { task, n }).await?;
    insert.end().await
}

#[tokio::test]
async fn a_stop_keeps_everything() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_in(directory.path(), &[]);
    let client = server.client();
    client.query(TABLE).execute().await.unwrap();
    for n in 0..20 {
        write(&client, 1, n).await.unwrap();
    }
    assert_eq!(server.stop().await.code(), Some(0));
    let server = Server::start_in(directory.path(), &[]);
    assert_eq!(server.ask("SELECT count(), max(n) FROM t").await, "20\t19");
}

#[tokio::test]
async fn a_kill_keeps_what_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_in(directory.path(), &[]);
    let client = server.client();
    client.query(TABLE).execute().await.unwrap();
    let acknowledged: Vec<Arc<AtomicU64>> = (0..4).map(|_| Arc::default()).collect();
    let writers: Vec<_> = (0..)
        .zip(&acknowledged)
        .map(|(task, acknowledged)| {
            let (client, acknowledged) = (client.clone(), Arc::clone(acknowledged));
            tokio::spawn(async move {
                for n in 0.. {
                    if write(&client, task, n).await.is_err() {
                        return;
                    }
                    acknowledged.store(n + 1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    eventually("twenty rows of each", async || {
        let counts: Vec<_> = acknowledged
            .iter()
            .map(|it| it.load(Ordering::SeqCst))
            .collect();
        if counts.iter().all(|it| *it >= 20) {
            Ok(())
        } else {
            Err(counts)
        }
    })
    .await;
    server.signal(Signal::SIGKILL);
    for writer in writers {
        writer.await.unwrap();
    }
    drop(server);
    let server = Server::start_in(directory.path(), &[]);
    for (task, acknowledged) in acknowledged.iter().enumerate() {
        let acknowledged = acknowledged.load(Ordering::SeqCst);
        let sql = format!("SELECT count(), uniqExact(n) FROM t WHERE task = {task}");
        let found = server.ask(&sql).await;
        let (count, distinct) = found.split_once('\t').unwrap();
        assert_eq!(count, distinct);
        // The last one may have been written without its acknowledgement.
        let count: u64 = count.parse().unwrap();
        assert!(
            count == acknowledged || count == acknowledged + 1,
            "{count} of {acknowledged}"
        );
    }
}
