//! Results and requests that are too large.

use crate::support::{Answer, Server};

#[tokio::test]
async fn a_result_over_the_cap_is_an_error() {
    let server = Server::start(&["--max-result-bytes", "1000000"]);
    for sql in [
        "SELECT number, randomPrintableASCII(100) FROM numbers(1000000)",
        // Small in the engine's memory, large as text.
        "SELECT toLowCardinality(repeat('x', 1000)) FROM numbers(2000)",
        // The client may lower the engine's limit, and not raise the server's.
        "SELECT number, randomPrintableASCII(100) FROM numbers(100000) SETTINGS max_result_bytes = 0",
    ] {
        let answer = server.send("", sql).await;
        answer.assert_error(500, 396, "TOO_MANY_ROWS_OR_BYTES");
        assert!(
            answer.text().contains("Limit for result exceeded"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(
        server.ask("SELECT count() FROM numbers(1000000)").await,
        "1000000"
    );
}

#[tokio::test]
async fn a_body_over_the_cap_is_413() {
    let server = Server::start(&["--max-body-bytes", "1000000"]);
    server
        .ask("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        .await;
    let rows = "1234567\n".repeat(200_000);
    let answer = server
        .send("query=INSERT+INTO+t+FORMAT+TSV", rows.clone())
        .await;
    answer.assert_error(413, 229, "QUERY_IS_TOO_LARGE");
    assert!(
        answer.text().contains("--max-body-bytes"),
        "{}",
        answer.text()
    );
    let answer = server
        .send("", format!("INSERT INTO t FORMAT TSV\n{rows}"))
        .await;
    answer.assert_error(413, 229, "QUERY_IS_TOO_LARGE");
    server.until_running("INSERT INTO t", 0).await;
    assert_eq!(server.ask("SELECT count() FROM t").await, "0");
}

#[tokio::test]
async fn a_statement_without_data_has_a_smaller_cap() {
    let server = Server::start(&[]);
    let text = format!("SELECT '{}'", "x".repeat(17 << 20));
    let answer = server.send("", text.clone()).await;
    answer.assert_error(413, 229, "QUERY_IS_TOO_LARGE");
    let form = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n{text}\r\n--edge--\r\n"
    );
    let request = server
        .request("")
        .header("content-type", "multipart/form-data; boundary=edge");
    let answer = Answer::read(request.body(form)).await;
    answer.assert_error(413, 229, "QUERY_IS_TOO_LARGE");
    // The engine's own limit, which a setting moves.
    let text = format!("SELECT length('{}')", "x".repeat(300_000));
    server
        .send("", text.clone())
        .await
        .assert_error(400, 62, "SYNTAX_ERROR");
    assert_eq!(
        server.send("max_query_size=1000000", text).await.text(),
        "300000\n"
    );
}

#[tokio::test]
async fn a_silent_client_does_not_keep_its_connection() {
    use tokio::io::AsyncWriteExt as _;
    let server = Server::start(&["--receive-timeout-ms", "300", "--connections", "2"]);
    server
        .ask("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        .await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = tokio::net::TcpStream::connect(server.address())
            .await
            .unwrap();
        let head = "POST /?user=nova&password=p%3Aw+%C3%A9&query=INSERT+INTO+t+FORMAT+TSV HTTP/1.1\r\nHost: nova\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    for mut stream in streams {
        let mut answer = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
        tokio::time::timeout(crate::support::DEADLINE, read)
            .await
            .unwrap()
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("SOCKET_TIMEOUT"), "{answer}");
    }
    assert_eq!(server.ask("SELECT count() FROM t").await, "0");
}
