//! Bad requests: ClickHouse's status, code and text, and nothing changed.

use crate::support::{Answer, Server};

#[tokio::test]
async fn errors_of_the_engine_have_their_status_and_code() {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
        .await;
    let cases = [
        ("SELECT 1 +", 400, 62, "SYNTAX_ERROR"),
        ("SELEKT 1", 400, 62, "SYNTAX_ERROR"),
        ("", 400, 62, "SYNTAX_ERROR"),
        ("  -- nothing\n", 400, 62, "SYNTAX_ERROR"),
        ("SELECT * FROM nope", 404, 60, "UNKNOWN_TABLE"),
        ("SELECT * FROM nope.t", 404, 81, "UNKNOWN_DATABASE"),
        ("SELECT nope FROM t", 404, 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT nope(1)", 404, 46, "UNKNOWN_FUNCTION"),
        ("SELECT 1 FORMAT Nope", 404, 73, "UNKNOWN_FORMAT"),
        ("SELECT 1 SETTINGS nope = 1", 404, 115, "UNKNOWN_SETTING"),
        (
            "SELECT throwIf(1, 'as asked')",
            500,
            395,
            "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO",
        ),
        ("SELECT toUInt8('x')", 400, 6, "CANNOT_PARSE_TEXT"),
        (
            "CREATE TABLE t (n UInt8) ENGINE = Memory",
            500,
            57,
            "TABLE_ALREADY_EXISTS",
        ),
        ("INSERT INTO nope VALUES (1)", 404, 60, "UNKNOWN_TABLE"),
        (
            "INSERT INTO t (x) VALUES (1)",
            500,
            16,
            "NO_SUCH_COLUMN_IN_TABLE",
        ),
        ("INSERT INTO t FORMAT Nope\n1", 404, 73, "UNKNOWN_FORMAT"),
        (
            "INSERT INTO t FORMAT JSONEachRow\n{\"n\":\"x\"}",
            400,
            27,
            "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
        ),
        (
            "INSERT INTO t FORMAT JSONEachRow\n{\"n\":1",
            500,
            33,
            "CANNOT_READ_ALL_DATA",
        ),
    ];
    for (sql, status, code, name) in cases {
        server.send("", sql).await.assert_error(status, code, name);
    }
    assert_eq!(server.ask("SELECT count() FROM t").await, "0");
}

#[tokio::test]
async fn positions_in_syntax_errors_are_the_clients() {
    let server = Server::start(&[]);
    let answer = server.send("", "SELECT 1 FROM t x y").await;
    assert!(
        answer.text().contains("failed at position 19 (y)"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn two_statements_are_refused_and_neither_runs() {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
        .await;
    for sql in [
        "SELECT 1; SELECT 2",
        "DROP TABLE t; SELECT 1",
        "INSERT INTO t SELECT 1; DROP TABLE t",
        "INSERT INTO t VALUES (1); DROP TABLE t",
        "SELECT ';' ; /* ; */ DROP TABLE t",
    ] {
        server
            .send("", sql)
            .await
            .assert_error(400, 62, "SYNTAX_ERROR");
    }
    assert_eq!(server.ask("SELECT count() FROM t").await, "0");
    assert_eq!(server.ask("SELECT ';' -- ; SELECT 2\n;").await, ";");
    server.ask("INSERT INTO t VALUES (1);").await;
    assert_eq!(server.ask("SELECT count() FROM t;").await, "1");
}

#[tokio::test]
async fn get_and_readonly_change_nothing() {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
        .await;
    let get = async |sql: &str| {
        let request = server.request("").build().unwrap();
        let mut url = request.url().clone();
        url.query_pairs_mut().append_pair("query", sql);
        Answer::read(server.http.get(url).headers(request.headers().clone())).await
    };
    for sql in [
        "DROP TABLE t",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t SELECT 1",
        "CREATE TABLE u (n UInt8) ENGINE = Memory",
        "ALTER TABLE t DELETE WHERE 1",
        "SYSTEM FLUSH LOGS",
        "KILL QUERY WHERE 1",
    ] {
        let answer = get(sql).await;
        answer.assert_error(500, 164, "READONLY");
        assert!(answer.text().contains("POST"), "{}", answer.text());
        server
            .send("readonly=1", sql)
            .await
            .assert_error(500, 164, "READONLY");
    }
    assert_eq!(get("SELECT count() FROM t").await.text(), "0\n");
    assert_eq!(get("SHOW TABLES").await.text(), "t\n");
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let server = Server::start(&[]);
    for query in ["session_id=a", "role=r", "client_protocol_version=54400"] {
        let answer = server.send(query, "SELECT 1").await;
        answer.assert_error(501, 48, "NOT_IMPLEMENTED");
    }
    let gzip = server
        .request("")
        .header("content-encoding", "gzip")
        .body("x");
    Answer::read(gzip)
        .await
        .assert_error(501, 48, "NOT_IMPLEMENTED");
    server
        .send(
            "",
            "INSERT INTO FUNCTION null('n UInt8') SELECT n FROM input('n UInt8') FORMAT CSV\n1\n",
        )
        .await
        .assert_error(501, 48, "NOT_IMPLEMENTED");
    server
        .send("", "SELECT 1 INTO OUTFILE '/tmp/never'")
        .await
        .assert_error(500, 358, "INTO_OUTFILE_NOT_ALLOWED");
    server
        .send(
            "",
            "INSERT INTO FUNCTION null('n UInt8') FROM INFILE '/etc/passwd' FORMAT CSV",
        )
        .await
        .assert_error(404, 78, "UNKNOWN_TYPE_OF_QUERY");
    for client_command in ["\\i /etc/passwd", "exit", "??"] {
        server
            .send("", client_command)
            .await
            .assert_error(400, 62, "SYNTAX_ERROR");
    }
    server
        .send("nope=1", "SELECT 1")
        .await
        .assert_error(404, 115, "UNKNOWN_SETTING");
    let put = server.request("").build().unwrap();
    let put = server
        .http
        .put(put.url().clone())
        .headers(put.headers().clone());
    Answer::read(put)
        .await
        .assert_error(501, 48, "NOT_IMPLEMENTED");
}
