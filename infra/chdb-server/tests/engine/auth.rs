//! User and password in each of ClickHouse's three ways.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Answer, PASSWORD, Server, USER};

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn three_ways_in() {
    let server = Server::start(&[]);
    let url = format!("{}/?query=SELECT+1", server.url);
    let client = &server.http;
    let ways = [
        client
            .get(&url)
            .header("authorization", basic(USER, PASSWORD)),
        client
            .get(&url)
            .header("x-clickhouse-user", USER)
            .header("x-clickhouse-key", PASSWORD.as_bytes()),
        client.get(format!("{url}&user={USER}&password=p%3Aw+%C3%A9")),
    ];
    for way in ways {
        let answer = Answer::read(way).await;
        assert_eq!((answer.status, answer.text()), (200, "1\n"));
    }
    let one = server.client().query("SELECT 1").fetch_one::<u8>().await;
    assert_eq!(one.unwrap(), 1);
}

#[tokio::test]
async fn everything_else_stays_out() {
    let server = Server::start(&[]);
    let url = format!("{}/?query=SELECT+1", server.url);
    let client = &server.http;
    let ways = [
        client.get(&url),
        client.get(format!("{url}&user={USER}")),
        client.get(format!("{url}&user=default")),
        client.get(format!("{url}&user={USER}&password=wrong")),
        client.get(&url).header("authorization", basic(USER, "")),
        client
            .get(&url)
            .header("authorization", basic("other", PASSWORD)),
        client.get(&url).header("authorization", "Bearer x"),
        client.get(&url).header("authorization", "Basic %"),
        client
            .get(&url)
            .header("x-clickhouse-key", PASSWORD.as_bytes()),
        // Two ways at once.
        client
            .get(format!("{url}&user={USER}&password=p%3Aw+%C3%A9"))
            .header("authorization", basic(USER, PASSWORD)),
        client.post(&url).body("x"),
    ];
    for way in ways {
        let answer = Answer::read(way).await;
        answer.assert_error(403, 516, "AUTHENTICATION_FAILED");
        assert!(!answer.text().contains(PASSWORD));
    }
    let wrong = server.client().with_password("wrong");
    let error = wrong.query("SELECT 1").fetch_one::<u8>().await.unwrap_err();
    assert!(error.to_string().contains("Code: 516"), "{error}");
}

#[tokio::test]
async fn ping_needs_no_password() {
    let server = Server::start(&[]);
    for path in ["/ping", "/replicas_status", "/"] {
        let request = server.http.get(format!("{}{path}", server.url));
        let request = match path {
            "/" => request.header("authorization", basic(USER, PASSWORD)),
            _ => request,
        };
        let answer = Answer::read(request).await;
        assert_eq!((answer.status, answer.text()), (200, "Ok.\n"), "{path}");
    }
    let lost = Answer::read(server.http.get(format!("{}/play", server.url))).await;
    assert_eq!(lost.status, 404);
}

/// The answer reaches a client that is still writing.
#[tokio::test]
async fn a_large_body_without_a_password_is_answered() {
    let server = Server::start(&[]);
    let rows = "1234567\n".repeat(2_000_000);
    let request = server
        .http
        .post(format!("{}/?query=INSERT+INTO+t+FORMAT+TSV", server.url))
        .body(rows);
    let answer = Answer::read(request).await;
    answer.assert_error(403, 516, "AUTHENTICATION_FAILED");
}
