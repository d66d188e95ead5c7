//! A clean stop: whoever has been let in gets an answer.

mod common;

use std::time::Duration;

use common::{Api, Servers, token};
use nova_domain::UserId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_request_under_way_is_answered_and_idle_connections_are_closed() -> anyhow::Result<()> {
    let api = Api::start(&Servers::none(), &[]).await?;
    let addr = api.addr;
    let body = r#"{"handle": "a b", "display_name": "Ada"}"#;
    let head = format!(
        "PUT /api/v1/users/me HTTP/1.1\r\nhost: nova\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        token(UserId::generate())?,
        body.len()
    );

    // One connection waits for its body, one for nothing.
    let mut busy = TcpStream::connect(addr).await?;
    busy.write_all(head.as_bytes()).await?;
    let mut go_on = [0; 25];
    timeout(SOON, busy.read_exact(&mut go_on)).await??;
    assert_eq!(
        &go_on, b"HTTP/1.1 100 Continue\r\n\r\n",
        "the handler waits for the body"
    );
    let mut idle = TcpStream::connect(addr).await?;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: nova\r\n\r\n")
        .await?;
    let mut first = [0; 12];
    timeout(SOON, idle.read_exact(&mut first)).await??;
    assert_eq!(&first, b"HTTP/1.1 404");

    api.request_stop();
    let mut rest = Vec::new();
    timeout(SOON, idle.read_to_end(&mut rest)).await??;

    busy.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    timeout(SOON, busy.read_to_string(&mut answer)).await??;
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    assert!(answer.contains("/handle"), "{answer}");
    api.stopped().await?;
    assert!(TcpStream::connect(addr).await.is_err(), "the port is free");
    Ok(())
}
