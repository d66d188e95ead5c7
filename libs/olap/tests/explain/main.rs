//! What each query file reads: which index of which table it uses, and how many granules are left of all. A condition
//! that stops reaching an index shows here as a change of the snapshot.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: a panic is the failure to report"
)]

mod parameters;
mod reads;
mod rows;

use std::collections::BTreeMap;

use nova_olap::{Olap, OlapConfig, schema};

/// What each query file reads of the same rows, in tables made by this schema.
async fn reads_with(schema: &str) -> BTreeMap<String, String> {
    let stack = nova_testbed::clickhouse().await.unwrap();
    let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
    let olap = Olap::new(&config);
    schema::apply_text(&olap, schema).await.unwrap();
    let client = olap.client();
    // One part for each statement, and no other rows.
    for statement in ["SYSTEM STOP VIEWS", "SYSTEM STOP MERGES"] {
        client.query(statement).execute().await.unwrap();
    }
    let now: String = client
        .query("SELECT toString(toStartOfHour(now('UTC')))")
        .fetch_one()
        .await
        .unwrap();
    for statement in rows::ROWS {
        let statement = rows::ids(statement, &now);
        let inserted = client.query(&statement).with_setting("max_threads", "1");
        inserted
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    reads::of_each_query(&olap, &now).await
}

#[tokio::test]
async fn each_query_reads_what_its_indexes_leave() {
    let reads = reads_with(schema::SCHEMA).await;
    let told: String = reads
        .iter()
        .map(|(name, reads)| format!("{name}{reads}\n"))
        .collect();
    insta::assert_snapshot!(told);
}

/// The schema with every table in an order that no condition asks about, and without secondary indexes.
fn without_indexes(schema: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let code = schema
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"));
    for line in code {
        let of_a_table = lines
            .last()
            .is_some_and(|last| last.starts_with("ENGINE = ") && last.contains("MergeTree"));
        let order = line.strip_prefix("ORDER BY ").filter(|_| of_a_table);
        if let Some(order) = order {
            let (order, rest) = order.split_at(order.trim_end_matches(';').len());
            lines.push(format!("ORDER BY cityHash64({order}){rest}"));
        } else if line.trim_start().starts_with("INDEX ") {
            // The column before it is the last one then.
            let last = lines.last_mut().unwrap();
            *last = last.trim_end_matches(',').to_owned();
        } else if !line.contains(" ADD INDEX ") {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}

/// That the snapshot above can fail: without its indexes each query reads something else.
#[tokio::test]
async fn a_lost_index_shows_in_each_query() {
    let without = without_indexes(schema::SCHEMA);
    let kept = reads_with(schema::SCHEMA).await;
    let lost = reads_with(&without).await;
    for (name, reads) in kept {
        assert_ne!(lost[&name], reads, "{name} needs none of its indexes");
    }
}
