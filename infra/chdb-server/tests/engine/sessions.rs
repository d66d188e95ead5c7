//! Settings, database and temporary tables belong to one request.

use crate::support::Server;

/// One connection in the pool, so that each request gets what the one before left.
fn server() -> Server {
    Server::start(&["--connections", "1"])
}

#[tokio::test]
async fn settings_of_the_url_hold_for_one_request() {
    let server = server();
    let sql =
        "SELECT getSetting('max_threads'), getSetting('log_comment'), getSetting('join_use_nulls')";
    let default = server.ask(sql).await;
    let answer = server
        .send("max_threads=3&log_comment=it's%20%5C&join_use_nulls=1", sql)
        .await;
    assert_eq!(answer.text(), "3\tit\\'s \\\\\ttrue\n");
    assert_eq!(server.ask(sql).await, default);
    let failed = server.send("max_threads=5", "SELECT throwIf(1)").await;
    assert_eq!(failed.status, 500);
    assert_eq!(server.ask(sql).await, default);
    // A bad one behind a good one.
    let failed = server
        .send("max_threads=5&max_block_size=x", "SELECT 1")
        .await;
    assert_ne!(failed.status, 200);
    assert_eq!(server.ask(sql).await, default);
}

#[tokio::test]
async fn settings_hold_for_inserts_too() {
    let server = server();
    server
        .ask("CREATE TABLE t (n UInt8, text String) ENGINE = MergeTree ORDER BY n")
        .await;
    let insert = "INSERT INTO t FORMAT JSONEachRow\n{\"n\":1,\"other\":2}";
    let strict = "input_format_skip_unknown_fields=0";
    let lenient = "input_format_skip_unknown_fields=1";
    server
        .send(strict, insert)
        .await
        .assert_error(400, 117, "INCORRECT_DATA");
    assert_eq!(server.send(lenient, insert).await.status, 200);
    server
        .send(strict, insert)
        .await
        .assert_error(400, 117, "INCORRECT_DATA");
    assert_eq!(server.ask("SELECT count() FROM t").await, "1");
}

#[tokio::test]
async fn set_and_use_do_not_reach_the_next_request() {
    let server = server();
    server.ask("CREATE DATABASE other").await;
    let sql = "SELECT currentDatabase(), getSetting('max_threads')";
    let default = server.ask(sql).await;
    assert!(default.starts_with("default\t"));
    server.ask("SET max_threads = 7").await;
    assert_eq!(server.ask(sql).await, default);
    server.ask("USE other").await;
    assert_eq!(server.ask(sql).await, default);
    server.ask("SET param_x = 1").await;
    server
        .send("", "SELECT {x:UInt8}")
        .await
        .assert_error(500, 456, "UNKNOWN_QUERY_PARAMETER");
}

#[tokio::test]
async fn the_database_can_be_chosen() {
    let server = server();
    server.ask("CREATE DATABASE `o'th`").await;
    for query in ["database=o'th", "database=o%27th&max_threads=1"] {
        let answer = server.send(query, "SELECT currentDatabase()").await;
        assert_eq!(answer.text(), "o\\'th\n");
    }
    let request = server
        .request("")
        .header("x-clickhouse-database", "o'th")
        .body("CREATE TABLE t (n UInt8) ENGINE = Memory");
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(server.ask("SELECT count() FROM `o'th`.t").await, "0");
    assert_eq!(server.ask("SELECT currentDatabase()").await, "default");
    let missing = server.send("database=nope", "SELECT 1").await;
    missing.assert_error(404, 81, "UNKNOWN_DATABASE");
}

#[tokio::test]
async fn temporary_tables_end_with_their_request() {
    let server = server();
    server
        .ask("CREATE TEMPORARY TABLE mine (n UInt8) ENGINE = Memory")
        .await;
    server
        .send("", "SELECT * FROM mine")
        .await
        .assert_error(404, 60, "UNKNOWN_TABLE");
}

#[tokio::test]
async fn a_failed_insert_leaves_a_working_connection() {
    let server = server();
    server
        .ask("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
        .await;
    for round in 1..6 {
        let bad = server.send("", "INSERT INTO t FORMAT CSV\nx\n").await;
        assert_ne!(bad.status, 200);
        server.ask("INSERT INTO t FORMAT CSV\n1\n").await;
        assert_eq!(server.ask("SELECT count() FROM t").await, round.to_string());
    }
}
