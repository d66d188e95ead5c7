//! RowBinaryWithNamesAndTypes both ways, as the `clickhouse` crate writes and reads it.

use chrono::{DateTime, Utc};
use clickhouse::{Compression, Row};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::support::Server;

const TABLE: &str = "CREATE TABLE everything (
    n UInt64, id UUID, other Nullable(UUID), at_ms DateTime64(3, 'UTC'), at_us DateTime64(6, 'UTC'),
    gone Nullable(DateTime64(6, 'UTC')), dwell Nullable(UInt32), word LowCardinality(String), text String,
    u8 UInt8, u16 UInt16, u32 UInt32, i64 Int64, ratio Float64, flag Bool, tags Array(String)
) ENGINE = MergeTree ORDER BY n";

/// Every type that Nova's tables and queries use.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Everything {
    n: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    #[serde(with = "clickhouse::serde::uuid::option")]
    other: Option<Uuid>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    at_ms: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    at_us: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros::option")]
    gone: Option<DateTime<Utc>>,
    dwell: Option<u32>,
    word: String,
    text: String,
    u8: u8,
    u16: u16,
    u32: u32,
    i64: i64,
    ratio: f64,
    flag: bool,
    tags: Vec<String>,
}

fn row(n: u64) -> Everything {
    let at = 1_790_000_000_000_000 + i64::try_from(n).unwrap() * 1_000_001;
    let small = u8::try_from(n % 256).unwrap();
    Everything {
        n,
        id: Uuid::from_u128(u128::from(n) << 64 | 0xfeed),
        other: n
            .is_multiple_of(3)
            .then(|| Uuid::from_u128(u128::MAX - u128::from(n))),
        at_ms: DateTime::from_timestamp_millis(at / 1000).unwrap(),
        at_us: DateTime::from_timestamp_micros(at).unwrap(),
        gone: n
            .is_multiple_of(2)
            .then(|| DateTime::from_timestamp_micros(-at).unwrap()),
        dwell: n.is_multiple_of(5).then_some(u32::MAX),
        word: ["like", "comment", "share", ""][usize::from(small % 4)].to_owned(),
        text: format!(
            "{n} '\"\\\t\n\u{0}\u{1f980} {}",
            "x".repeat(usize::from(small))
        ),
        u8: small,
        u16: u16::MAX - u16::from(small),
        u32: u32::MAX - u32::from(small),
        i64: i64::MIN + i64::from(small),
        ratio: f64::from(small) / 3.0,
        flag: n % 2 == 1,
        tags: (0..n % 4).map(|it| format!("tag {it} '\\")).collect(),
    }
}

async fn round_trip(compression: Compression, count: u64) {
    let server = Server::start(&[]);
    let client = server.client().with_compression(compression);
    client.query(TABLE).execute().await.unwrap();
    let mut insert = client.insert::<Everything>("everything").await.unwrap();
    for n in 0..count {
        insert.write(&row(n)).await.unwrap();
    }
    insert.end().await.unwrap();
    let mut cursor = client
        .query("SELECT ?fields FROM everything ORDER BY n")
        .fetch::<Everything>()
        .unwrap();
    let mut seen = 0;
    while let Some(found) = cursor.next().await.unwrap() {
        assert_eq!(found, row(seen));
        seen += 1;
    }
    assert_eq!(seen, count);
}

#[tokio::test]
async fn every_type_survives_both_ways_plain() {
    round_trip(Compression::None, 1000).await;
}

#[tokio::test]
async fn a_hundred_thousand_rows_survive_both_ways_compressed() {
    round_trip(Compression::Lz4, 100_000).await;
}

#[tokio::test]
async fn the_inserter_writes_in_parts() {
    for compression in [Compression::Lz4, Compression::None] {
        let server = Server::start(&[]);
        let client = server.client().with_compression(compression);
        client.query(TABLE).execute().await.unwrap();
        let mut inserter = client
            .inserter::<Everything>("everything")
            .with_max_rows(700);
        for n in 0..3000 {
            inserter.write(&row(n)).await.unwrap();
            inserter.commit().await.unwrap();
        }
        inserter.end().await.unwrap();
        let written = client
            .query("SELECT count(), uniqExact(n) FROM everything")
            .fetch_one::<(u64, u64)>()
            .await
            .unwrap();
        assert_eq!(written, (3000, 3000));
        let parts = server
            .ask("SELECT count() > 1 FROM system.parts WHERE table = 'everything' AND rows <= 700")
            .await;
        assert_eq!(parts, "1");
    }
}

#[tokio::test]
async fn an_insert_that_is_not_ended_writes_nothing() {
    let server = Server::start(&[]);
    let client = server.client();
    client.query(TABLE).execute().await.unwrap();
    let mut insert = client.insert::<Everything>("everything").await.unwrap();
    for n in 0..20_000 {
        insert.write(&row(n)).await.unwrap();
    }
    drop(insert);
    server.until_running("INSERT INTO", 0).await;
    assert_eq!(server.ask("SELECT count() FROM everything").await, "0");
}

#[tokio::test]
async fn the_crate_sees_errors_with_their_text() {
    let server = Server::start(&[]);
    let client = server.client();
    let error = client
        .query("SELECT * FROM nope")
        .fetch_one::<u8>()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("Code: 60"), "{error}");
    assert!(error.contains("UNKNOWN_TABLE"), "{error}");

    #[derive(Row, Serialize, Deserialize)]
    struct Narrow {
        n: u32,
    }
    client.query(TABLE).execute().await.unwrap();
    let mismatch = client.insert::<Narrow>("everything").await;
    let mismatch = match mismatch {
        Err(error) => error.to_string(),
        Ok(mut insert) => match insert.write(&Narrow { n: 1 }).await {
            Err(error) => error.to_string(),
            Ok(()) => insert.end().await.unwrap_err().to_string(),
        },
    };
    assert!(
        mismatch.contains("mismatch") || mismatch.contains("UInt64"),
        "{mismatch}"
    );

    let unchecked = client.clone().with_validation(false);
    let mut insert = unchecked.insert::<Narrow>("nope").await.unwrap();
    let failed = match insert.write(&Narrow { n: 1 }).await {
        Err(error) => error,
        Ok(()) => insert.end().await.unwrap_err(),
    };
    assert!(failed.to_string().contains("Code: 60"), "{failed}");
}
