//! Statements that end before their time: time-outs, clients that leave, and a stop of the server.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{DEADLINE, Server, eventually};

const ENDLESS: &str =
    "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))";

#[tokio::test]
async fn max_execution_time_ends_the_query() {
    let server = Server::start(&[]);
    let began = Instant::now();
    let answer = server.send("max_execution_time=0.5", ENDLESS).await;
    answer.assert_error(408, 159, "TIMEOUT_EXCEEDED");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    server.until_running("sipHash64", 0).await;
    let in_query = format!("{ENDLESS} SETTINGS max_execution_time = 1");
    server
        .send("", in_query)
        .await
        .assert_error(408, 159, "TIMEOUT_EXCEEDED");
}

#[tokio::test]
async fn the_servers_own_limit_ends_the_query() {
    let server = Server::start(&["--query-timeout-ms", "300"]);
    for query in ["", "max_execution_time=100"] {
        let answer = server.send(query, ENDLESS).await;
        answer.assert_error(408, 159, "TIMEOUT_EXCEEDED");
        server.until_running("sipHash64", 0).await;
    }
}

#[tokio::test]
async fn a_slow_insert_is_ended_too() {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE source (n UInt64) ENGINE = Null")
        .await;
    server
        .ask("CREATE TABLE sink (n UInt64) ENGINE = MergeTree ORDER BY n")
        .await;
    server
        .ask("CREATE MATERIALIZED VIEW slow TO sink AS SELECT n + sleepEachRow(1) AS n FROM source")
        .await;
    let query =
        "max_execution_time=1&function_sleep_max_microseconds_per_block=0&max_insert_block_size=1";
    let rows: String = (0..100).map(|it| format!("{it}\n")).collect();
    let answer = server
        .send(query, format!("INSERT INTO source FORMAT TSV\n{rows}"))
        .await;
    answer.assert_error(408, 159, "TIMEOUT_EXCEEDED");
    server.until_running("INSERT INTO source", 0).await;
}

async fn leave_while_running(server: &Server, sql: String) {
    let request = server.request("").body(sql).send();
    let task = tokio::spawn(request);
    server.until_running("sipHash64", 1).await;
    task.abort();
    server.until_running("sipHash64", 0).await;
}

#[tokio::test]
async fn a_query_whose_client_left_is_cancelled() {
    let server = Server::start(&["--connections", "2"]);
    // More often than there are connections: each comes back.
    for _ in 0..4 {
        leave_while_running(&server, ENDLESS.to_owned()).await;
    }
}

/// The engine shows 100,000 bytes of a query unless told otherwise, and it is found by its end.
#[tokio::test]
async fn so_is_one_with_a_long_text() {
    let server = Server::start(&[]);
    let list: Vec<String> = (0..30_000).map(|it| (1_000_000 + it).to_string()).collect();
    let sql = format!("{ENDLESS} AND number NOT IN ({})", list.join(","));
    assert!(sql.len() > 200_000);
    leave_while_running(&server, sql).await;
}

#[tokio::test]
async fn a_write_whose_client_left_is_finished() {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        .await;
    let sql = "INSERT INTO t SELECT number + sleepEachRow(0.2) FROM numbers(10) SETTINGS max_block_size = 1";
    let task = tokio::spawn(server.request("").body(sql).send());
    server.until_running("sleepEachRow", 1).await;
    task.abort();
    server.until_running("sleepEachRow", 0).await;
    assert_eq!(server.ask("SELECT count() FROM t").await, "10");
}

#[tokio::test]
async fn kill_query_by_hand() {
    let server = Server::start(&[]);
    let task = tokio::spawn(server.request("").body(ENDLESS).send());
    server.until_running("sipHash64", 1).await;
    server
        .ask("KILL QUERY WHERE query LIKE '%sip' || 'Hash64%' ASYNC")
        .await;
    let response = task.await.unwrap().unwrap();
    assert_eq!(response.headers()["x-clickhouse-exception-code"], "394");
}

#[tokio::test]
async fn a_short_query_finishes_when_the_server_stops() {
    let mut server = Server::start(&[]);
    let sql = "SELECT sum(sleepEachRow(0.5)) + 7 FROM numbers(3)";
    let task = tokio::spawn(server.request("").body(sql).send());
    server.until_running("sleepEachRow", 1).await;
    server.signal(Signal::SIGTERM);
    let answer = task.await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "7\n");
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_long_query_is_cancelled_when_the_server_stops() {
    let mut server = Server::start(&["--stop-timeout-ms", "300"]);
    let task = tokio::spawn(server.request("").body(ENDLESS).send());
    server.until_running("sipHash64", 1).await;
    let began = Instant::now();
    server.signal(Signal::SIGTERM);
    let answer = task.await.unwrap().unwrap();
    assert_eq!(answer.headers()["x-clickhouse-exception-code"], "394");
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

/// One block that takes longer than anyone waits: nothing in the engine looks whether it is cancelled.
#[tokio::test]
async fn a_query_that_cannot_be_cancelled_does_not_hold_the_server_up() {
    let mut server = Server::start(&["--stop-timeout-ms", "100"]);
    let sql = "SELECT sum(editDistance(materialize(repeat('a', 65535)), repeat('b', 65535))) FROM numbers(10)";
    let task = tokio::spawn(server.request("").body(sql).send());
    server.until_running("editDistance", 1).await;
    let began = Instant::now();
    server.signal(Signal::SIGINT);
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    assert!(task.await.unwrap().is_err());
}

#[tokio::test]
async fn a_busy_pool_answers_503_and_recovers() {
    let server = Server::start(&["--connections", "2", "--pool-wait-ms", "300"]);
    let tasks: Vec<_> = (0..2)
        .map(|_| tokio::spawn(server.request("").body(ENDLESS).send()))
        .collect();
    // `system.processes` cannot be asked now: the pool is what is being tried.
    let busy = eventually("a busy pool", async || {
        let began = Instant::now();
        let answer = server.send("", "SELECT 1").await;
        let took = began.elapsed();
        if answer.status == 503 {
            Ok((answer, took))
        } else {
            Err(answer.status)
        }
    })
    .await;
    let (answer, took) = busy;
    answer.assert_error(503, 202, "TOO_MANY_SIMULTANEOUS_QUERIES");
    assert!(answer.text().contains("--connections"), "{}", answer.text());
    assert!(
        took >= Duration::from_millis(300) && took < DEADLINE / 6,
        "{took:?}"
    );
    let ping = server
        .http
        .get(format!("{}/ping", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(ping.status(), 200);
    for task in tasks {
        task.abort();
    }
    eventually("a free connection", async || {
        let status = server.send("", "SELECT 1").await.status;
        if status == 200 { Ok(()) } else { Err(status) }
    })
    .await;
    server.until_running("sipHash64", 0).await;
}
