//! What can be done to a server: its address stays the same.

use std::time::{Duration, Instant};

use nova_testbed::{Server, Stack, StackError, wait_for};

use crate::traces::{port, runs};

/// Kill, restart, pause and resume, for the servers that start in a second.
#[tokio::test]
async fn quick_servers_keep_their_address() {
    let servers = [Server::Postgres, Server::Redis, Server::ClickHouse];
    let stack = Stack::builder().servers(&servers).start().await.unwrap();
    for server in servers {
        disturb(&stack, server).await;
    }
}

#[tokio::test]
async fn kafka_and_connect_keep_their_address() {
    let servers = [Server::Kafka, Server::Connect];
    let stack = Stack::builder().servers(&servers).start().await.unwrap();
    for server in servers {
        disturb(&stack, server).await;
    }
    // Connect found the broker again.
    stack.wait_ready(Server::Connect).await.unwrap();
}

pub(crate) async fn disturb(stack: &Stack, server: Server) {
    let before = port(server, stack.endpoints());
    let old = stack.pid(server).unwrap();

    stack.pause(server).await.unwrap();
    let silent = stack.check(server).await.unwrap_err();
    assert!(silent.contains("no answer"), "{server} paused: {silent}");
    assert!(runs(old), "{server} paused is still there");
    stack.resume(server).await.unwrap();
    stack.wait_ready(server).await.unwrap();
    assert_eq!(stack.pid(server), Some(old));

    stack.kill(server).await.unwrap();
    assert!(!runs(old));
    assert_eq!(stack.pid(server), None);
    assert!(stack.check(server).await.is_err());
    assert!(matches!(
        stack.kill(server).await,
        Err(StackError::NotRunning(_))
    ));

    let begun = Instant::now();
    stack.restart(server).await.unwrap();
    println!(
        "{server}: ready {:.1?} after kill -9 and restart",
        begun.elapsed()
    );
    assert_ne!(stack.pid(server), Some(old));
    assert_eq!(port(server, stack.endpoints()), before);
    stack.check(server).await.unwrap();

    // Restarting one that runs stops it in good order first.
    let second = stack.pid(server).unwrap();
    stack.restart(server).await.unwrap();
    assert!(!runs(second));
    stack.check(server).await.unwrap();
}

#[tokio::test]
async fn a_condition_that_never_holds_tells_its_last_state() {
    let mut asked = 0;
    let error = wait_for(Duration::from_millis(200), || {
        asked += 1;
        let state = format!("asked {asked} times");
        async move { Err::<(), _>(state) }
    })
    .await
    .unwrap_err();
    assert!(asked > 1);
    assert!(
        error.to_string().contains(&format!("asked {asked} times")),
        "{error}"
    );
}
