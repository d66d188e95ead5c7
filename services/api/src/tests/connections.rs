//! What a client sees on its own connection.

use std::time::Duration;

use nova_runtime::Shutdown;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::harness::{app, token};
use crate::server;

const SOON: Duration = Duration::from_secs(20);

/// A connection to an API that has no servers.
async fn connect() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody asks it to stop: it ends with the test.
    tokio::spawn(async move { server::serve(listener, app(), 10, &Shutdown::new()).await });
    TcpStream::connect(address).await.unwrap()
}

fn head(content_type: &str, length: usize, more: &str) -> String {
    format!(
        "POST /api/v1/posts HTTP/1.1\r\nHost: nova\r\nAuthorization: Bearer {}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n{more}\r\n",
        token()
    )
}

/// The first line of the answer.
async fn status(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 4_096];
    let read = timeout(SOON, stream.read(&mut answer)).await.unwrap();
    let text = String::from_utf8_lossy(&answer[..read.unwrap()]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn whoever_is_still_sending_a_body_that_is_refused_reads_the_answer() {
    const PART: usize = 100_000;
    for (content_type, refused) in [
        ("application/json", "HTTP/1.1 413 Payload Too Large"),
        ("text/plain", "HTTP/1.1 415 Unsupported Media Type"),
    ] {
        let mut stream = connect().await;
        let head = head(content_type, 30 * PART, "");
        stream.write_all(head.as_bytes()).await.unwrap();
        for part in 0..30 {
            stream
                .write_all(&[b' '; PART])
                .await
                .unwrap_or_else(|error| {
                    panic!("{content_type}: part {part} could not be sent: {error}")
                });
            // By then whoever answers without taking the body has answered, and closed.
            if part == 0 {
                sleep(Duration::from_millis(200)).await;
            }
        }
        assert_eq!(status(&mut stream).await, refused);
    }
}

#[tokio::test]
async fn whoever_waits_for_leave_to_send_too_much_is_told_at_once() {
    let mut stream = connect().await;
    let head = head("application/json", 3_000_000, "Expect: 100-continue\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(status(&mut stream).await, "HTTP/1.1 413 Payload Too Large");
}

#[tokio::test]
async fn far_too_much_is_not_waited_for() {
    let mut stream = connect().await;
    let head = head("application/json", 1 << 40, "");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(status(&mut stream).await, "HTTP/1.1 413 Payload Too Large");
}
