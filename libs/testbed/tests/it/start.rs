//! Starting: all servers, one server, two stacks, and a start that fails.

use nova_testbed::{Server, Stack, StackError};

use crate::{faults::disturb, traces::Traces};

#[tokio::test]
async fn all_five_start_answer_and_stop() {
    let stack = Stack::builder()
        .told(|server, took| println!("{server:<12}{took:.1?}"))
        .start()
        .await
        .unwrap();
    println!("ready after {:.1?}", stack.ready_after());
    assert_eq!(stack.servers(), Server::BACKENDS);
    for server in Server::BACKENDS {
        stack.check(server).await.unwrap();
        assert!(stack.log(server).is_file());
    }
    let traces = Traces::of(&stack);
    traces.assert_present();
    stack.stop().await;
    traces.assert_gone();
}

#[tokio::test]
async fn nova_runs_on_top_and_keeps_its_address() {
    let stack = Stack::builder().nova(true).start().await.unwrap();
    println!("ready after {:.1?}", stack.ready_after());
    assert_eq!(stack.servers(), Server::ALL);
    disturb(&stack, Server::Nova).await;
    let traces = Traces::of(&stack);
    traces.assert_present();
    stack.stop().await;
    traces.assert_gone();
}

#[tokio::test]
async fn a_single_server_is_a_stack_too() {
    for (stack, server) in [
        (nova_testbed::postgres().await.unwrap(), Server::Postgres),
        (
            nova_testbed::clickhouse().await.unwrap(),
            Server::ClickHouse,
        ),
    ] {
        println!("{server} alone: ready after {:.2?}", stack.ready_after());
        assert_eq!(stack.servers(), [server]);
        stack.check(server).await.unwrap();
        assert!(stack.check(Server::Redis).await.is_err());
        assert!(matches!(
            stack.kill(Server::Redis).await,
            Err(StackError::NotPart(Server::Redis))
        ));
    }
}

#[tokio::test]
async fn two_stacks_run_side_by_side() {
    let servers = [Server::Redis, Server::ClickHouse, Server::Postgres];
    let start = || Stack::builder().servers(&servers).port_seed(1).start();
    let (first, second) = tokio::try_join!(start(), start()).unwrap();
    let (left, right) = (Traces::of(&first), Traces::of(&second));
    assert!(left.ports.iter().all(|port| !right.ports.contains(port)));
    assert_ne!(left.run_dir, right.run_dir);

    drop(first);
    left.assert_gone();
    right.assert_present();
    for server in servers {
        second.check(server).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_start_tells_the_last_lines_of_the_log_and_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let run_dir = parent.path().join("run");
    // ClickHouse cannot keep its data in a file.
    std::fs::create_dir_all(run_dir.join("clickhouse")).unwrap();
    std::fs::write(run_dir.join("clickhouse/data"), "in the way").unwrap();

    let error = Stack::builder()
        .servers(&[Server::Redis, Server::ClickHouse])
        .run_dir(&run_dir)
        .start()
        .await
        .unwrap_err();

    let StackError::Server(failure) = &error else {
        panic!("another error: {error}");
    };
    assert_eq!(failure.server, Server::ClickHouse);
    assert!(failure.state.contains("ended with"), "{}", failure.state);
    let last = failure.last_lines.last().unwrap();
    assert!(error.to_string().contains(last), "{error}");
    assert!(!run_dir.exists());
    println!("{error}");
}

#[tokio::test]
async fn a_failed_preparation_tells_the_last_lines_too() {
    let parent = tempfile::tempdir().unwrap();
    let run_dir = parent.path().join("run");
    std::fs::create_dir_all(run_dir.join("postgres/data/occupied")).unwrap();

    let error = Stack::builder()
        .servers(&[Server::Postgres])
        .run_dir(&run_dir)
        .keep_failed(true)
        .start()
        .await
        .unwrap_err();

    // As root PostgreSQL may have a place outside of the run directory, which is empty.
    let text = error.to_string();
    assert!(
        text.contains("initdb") && text.contains("not empty"),
        "{text}"
    );
    assert!(
        run_dir.join("logs/postgres.log").is_file(),
        "the logs were to be kept"
    );
}
