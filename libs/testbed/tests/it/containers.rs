//! The same stack in containers: same endpoints, same faults, nothing left.

use std::process::Command;

use nova_testbed::{Provider, Server, Stack};

use crate::{faults::disturb, owner, traces::Traces};

#[tokio::test]
async fn all_five_start_in_containers_and_leave_nothing() {
    let stack = Stack::builder()
        .provider(Provider::Containers)
        .told(|server, took| println!("{server:<12}{took:.1?}"))
        .start()
        .await
        .unwrap();
    println!("ready after {:.1?}", stack.ready_after());
    assert_eq!(stack.servers(), Server::BACKENDS);
    for server in Server::BACKENDS {
        stack.check(server).await.unwrap();
    }
    let run = stack.run_id().to_owned();
    let containers = labelled("ps", &run);
    assert_eq!(containers.len(), 5);
    for container in &containers {
        let published = docker(&["port", container]);
        assert_eq!(published.len(), 1, "{published:?}");
        assert!(published[0].contains("-> 127.0.0.1:"), "{published:?}");
    }
    assert_eq!(labelled("network", &run).len(), 1);
    let traces = Traces::of(&stack);
    stack.stop().await;
    traces.assert_gone();
    assert_eq!(labelled("ps", &run), Vec::<String>::new());
    assert_eq!(labelled("network", &run), Vec::<String>::new());
}

#[tokio::test]
async fn containers_keep_their_address() {
    let stack = Stack::builder()
        .provider(Provider::Containers)
        .start()
        .await
        .unwrap();
    for server in Server::BACKENDS {
        disturb(&stack, server).await;
    }
    let (run, traces) = (stack.run_id().to_owned(), Traces::of(&stack));
    drop(stack);
    traces.assert_gone();
    assert_eq!(labelled("ps", &run), Vec::<String>::new());
}

#[tokio::test]
async fn kill_9_of_the_owner_leaves_no_container() {
    let (mut owner, traces) = owner::start(Provider::Containers);
    let run = traces
        .run_dir
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(labelled("ps", &run).len(), 2);
    owner.kill().unwrap();
    owner.wait().unwrap();
    traces.wait_gone().await;
    assert_eq!(labelled("ps", &run), Vec::<String>::new());
    assert_eq!(labelled("network", &run), Vec::<String>::new());
}

/// The containers or networks of a run.
fn labelled(kind: &str, run: &str) -> Vec<String> {
    let filter = format!("label=nova-testbed={run}");
    match kind {
        "ps" => docker(&["ps", "--all", "--quiet", "--filter", &filter]),
        _ => docker(&["network", "ls", "--quiet", "--filter", &filter]),
    }
}

/// The lines a command of Docker prints.
fn docker(arguments: &[&str]) -> Vec<String> {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}
