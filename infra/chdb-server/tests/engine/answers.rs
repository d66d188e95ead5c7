//! Good answers: formats, headers, encodings.

use std::io::Read as _;

use crate::support::{Answer, Server};

#[tokio::test]
async fn the_format_comes_from_the_query_the_header_or_the_url() {
    let server = Server::start(&[]);
    assert_eq!(server.ask("SELECT 1 AS a, 'x' AS b").await, "1\tx");
    let sql = "SELECT 1 AS a, 'x' AS b";
    let csv = server.send("default_format=CSV", sql).await;
    assert_eq!(csv.text(), "1,\"x\"\n");
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    assert_eq!(csv.header("x-clickhouse-format"), Some("CSV"));
    let json = server
        .send("default_format=CSV", format!("{sql} FORMAT JSONEachRow"))
        .await;
    assert_eq!(json.text(), "{\"a\":1,\"b\":\"x\"}\n");
    let request = server.request("").header("x-clickhouse-format", "Values");
    assert_eq!(Answer::read(request.body(sql)).await.text(), "(1,'x')");
}

#[tokio::test]
async fn the_headers_of_clickhouse() {
    let server = Server::start(&[]);
    let answer = server
        .send("query_id=chosen", "SELECT * FROM numbers(10)")
        .await;
    assert_eq!(answer.header("x-clickhouse-query-id"), Some("chosen"));
    assert!(answer.header("x-clickhouse-timezone").is_some());
    let summary: serde_json::Value =
        serde_json::from_str(answer.header("x-clickhouse-summary").unwrap()).unwrap();
    assert_eq!(summary["read_rows"], "10");
    assert_eq!(summary["result_rows"], "10");
    let first = server.send("", "SELECT 1").await;
    let second = server.send("", "SELECT 1").await;
    let id = |it: &Answer| it.header("x-clickhouse-query-id").unwrap().to_owned();
    assert_ne!(id(&first), id(&second));
}

#[tokio::test]
async fn an_insert_says_how_many_rows_it_wrote() {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
        .await;
    let answer = server.send("", "INSERT INTO t VALUES (1), (2), (3)").await;
    let summary: serde_json::Value =
        serde_json::from_str(answer.header("x-clickhouse-summary").unwrap()).unwrap();
    assert_eq!(summary["written_rows"], "3");
    assert_eq!(answer.text(), "");
}

#[tokio::test]
async fn large_results_come_as_an_lz4_frame_when_the_client_reads_them() {
    let server = Server::start(&[]);
    let sql = "SELECT number FROM numbers(50000)";
    let plain = server.send("", sql).await;
    let request = server.request("").header("accept-encoding", "gzip, lz4");
    let framed = Answer::read(request.body(sql)).await;
    assert_eq!(framed.header("content-encoding"), Some("lz4"));
    assert!(framed.body.len() < plain.body.len());
    let mut decoded = Vec::new();
    lz4_flex::frame::FrameDecoder::new(&framed.body[..])
        .read_to_end(&mut decoded)
        .unwrap();
    assert!(decoded == plain.body);
    let request = server
        .request("enable_http_compression=0")
        .header("accept-encoding", "lz4");
    let off = Answer::read(request.body(sql)).await;
    assert_eq!(off.header("content-encoding"), None);
    assert!(off.body == plain.body);
    let gzip = Answer::read(
        server
            .request("")
            .header("accept-encoding", "gzip")
            .body(sql),
    )
    .await;
    assert_eq!(gzip.header("content-encoding"), None);
}

#[tokio::test]
async fn ddl_of_nova_s_kind() {
    let server = Server::start(&[]);
    let client = server.client();
    for sql in [
        "CREATE TABLE facts (id UUID, day DateTime64(3, 'UTC'), _version UInt64, _deleted UInt8) ENGINE = ReplacingMergeTree(_version, _deleted) ORDER BY id",
        "CREATE TABLE IF NOT EXISTS facts (id UUID) ENGINE = Memory",
        "CREATE TABLE counts (n UInt64, _version UInt64) ENGINE = ReplacingMergeTree(_version) ORDER BY tuple()",
        "CREATE MATERIALIZED VIEW per_second REFRESH EVERY 1 SECOND APPEND TO counts AS SELECT count() AS n, toUnixTimestamp(now()) AS _version FROM facts FINAL",
        "CREATE VIEW since AS SELECT * FROM facts FINAL WHERE day >= {from:DateTime64(3)}",
        "ALTER TABLE facts ADD COLUMN note String DEFAULT 'none'",
        "INSERT INTO facts (id, day, _version, _deleted) SELECT generateUUIDv4(), now64(3), 1, number % 2 FROM numbers(10)",
        "OPTIMIZE TABLE facts FINAL",
        "SYSTEM REFRESH VIEW per_second",
        "SYSTEM WAIT VIEW per_second",
    ] {
        client.query(sql).execute().await.unwrap();
    }
    assert_eq!(server.ask("SELECT count() FROM facts FINAL").await, "5");
    assert_eq!(server.ask("SELECT n FROM counts FINAL").await, "5");
    assert_eq!(
        server
            .ask("SELECT count() FROM since(from = '2020-01-01 00:00:00')")
            .await,
        "5"
    );
    client
        .query("DROP VIEW per_second SYNC")
        .execute()
        .await
        .unwrap();
    client
        .query("TRUNCATE TABLE facts")
        .execute()
        .await
        .unwrap();
    assert_eq!(server.ask("SELECT count() FROM facts").await, "0");
}
