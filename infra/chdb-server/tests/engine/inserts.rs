//! INSERT with its data in the body, and what is left of one that breaks off.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::{PASSWORD, Server, USER, eventually};

async fn table() -> Server {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE t (n UInt64, text String DEFAULT 'none') ENGINE = MergeTree ORDER BY n")
        .await;
    server
}

#[tokio::test]
async fn data_behind_the_statement_or_apart_from_it() {
    let server = table().await;
    let cases = [
        ("", "INSERT INTO t (n) VALUES (1), (1 + 1)"),
        (
            "",
            "INSERT INTO t FORMAT JSONEachRow {\"n\":3,\"text\":\"a;b\"}\n{\"n\":4}",
        ),
        (
            "",
            "INSERT INTO default.t (n, text) FORMAT TSV\n5\tit's\\ttab\n",
        ),
        (
            "",
            "insert into `t` (n) settings max_threads = 1 format CSV\n6\n",
        ),
        ("query=INSERT+INTO+t+(n)+FORMAT+CSV", "7\n8\n"),
        ("query=INSERT+INTO+t+(n)+VALUES", "(9), (10)"),
        (
            "query=INSERT+INTO+t",
            "(n) FORMAT CSVWithNames\n\"n\"\n11\n",
        ),
        (
            "query=INSERT+INTO+t+FORMAT+JSONEachRow",
            "[{\"n\":12},{\"n\":13}]",
        ),
        ("", "INSERT INTO t (n) SELECT number FROM numbers(14, 2)"),
        ("", "INSERT INTO t (n) /* FORMAT CSV */ VALUES (16);"),
        ("query=INSERT+INTO+t+FORMAT+CSV", ""),
    ];
    for (query, body) in cases {
        let answer = server.send(query, body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    }
    assert_eq!(
        server
            .ask("SELECT arraySort(groupArray(n)) = range(1, 17) FROM t")
            .await,
        "1"
    );
    assert_eq!(
        server.ask("SELECT groupArray(text) FROM (SELECT text FROM t WHERE text != 'none' ORDER BY n) FORMAT TSVRaw").await,
        "['a;b','it\\'s\\ttab']"
    );
}

fn rows(count: u64) -> String {
    let mut rows = String::new();
    for n in 0..count {
        writeln!(rows, "{n}\trow number {n} of a table").unwrap();
    }
    rows
}

#[tokio::test]
async fn a_large_body_is_streamed() {
    let server = table().await;
    let sql = format!("INSERT INTO t FORMAT TSV\n{}", rows(300_000));
    let answer = server.send("", sql).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        server
            .ask("SELECT count(), sum(n), uniqExact(text) FROM t")
            .await,
        format!("300000\t{}\t300000", 300_000_u64 * 299_999 / 2)
    );
}

/// The error is at the end; the client still gets to read it.
#[tokio::test]
async fn a_bad_row_in_a_large_body_is_answered() {
    let server = table().await;
    let sql = format!("INSERT INTO t FORMAT TSV\nx\tbad\n{}", rows(300_000));
    let answer = server.send("", sql).await;
    answer.assert_error(400, 27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED");
    let wrong = format!("INSERT INTO t FORMAT TSV\n{}x\tbad\n", rows(300_000));
    let answer = server.send("", wrong).await;
    answer.assert_error(400, 27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED");
    assert_eq!(server.ask("SELECT count() FROM t").await, "0");
}

/// Sends the head of a chunked insert and `data`, and stays.
async fn begin(server: &Server, query: &str, data: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let credentials = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let head = format!(
        "POST /?{query} HTTP/1.1\r\nHost: nova\r\nAuthorization: Basic {credentials}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{data}\r\n",
        data.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    server.until_running("INSERT INTO t", 1).await;
    stream
}

/// Begins an insert and goes away without an end.
async fn break_off(server: &Server, query: &str, data: &str) {
    drop(begin(server, query, data).await);
    server.until_running("INSERT INTO t", 0).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_writes_nothing() {
    let server = table().await;
    break_off(&server, "query=INSERT+INTO+t+FORMAT+TSV", &rows(100_000)).await;
    assert_eq!(server.ask("SELECT count() FROM t").await, "0");
    // Within a row.
    break_off(&server, "query=INSERT+INTO+t+FORMAT+TSV", "1\tx\n2").await;
    assert_eq!(server.ask("SELECT count() FROM t").await, "0");
    server.ask("INSERT INTO t (n) VALUES (1)").await;
    assert_eq!(server.ask("SELECT count() FROM t").await, "1");
}

/// As in ClickHouse: what was cut off as a block (1,048,449 rows or 256 MiB unless set otherwise) is written.
#[tokio::test]
async fn larger_inserts_that_break_off_leave_whole_blocks() {
    let server = table().await;
    let query = "max_insert_block_size=1000&min_insert_block_size_rows=1000&min_insert_block_size_bytes=0&query=INSERT+INTO+t+FORMAT+TSV";
    let stream = begin(&server, query, &rows(20_500)).await;
    eventually("written blocks", async || {
        let written = server.ask("SELECT count() FROM t").await;
        if written == "0" { Err(written) } else { Ok(()) }
    })
    .await;
    drop(stream);
    server.until_running("INSERT INTO t", 0).await;
    let written = server
        .ask("SELECT count() > 0, count() < 20500, count() % 1000, max(n) + 1 = count() FROM t");
    assert_eq!(written.await, "1\t1\t0\t1");
}
