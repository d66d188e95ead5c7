//! However a stack ends, nothing of it is left.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use nova_testbed::{Provider, Server, Stack};

use crate::{
    owner,
    traces::{Traces, working_in},
};

#[tokio::test]
async fn dropping_leaves_nothing() {
    let stack = Stack::builder()
        .servers(&[Server::Postgres, Server::Redis, Server::ClickHouse])
        .start()
        .await
        .unwrap();
    let traces = Traces::of(&stack);
    traces.assert_present();
    drop(stack);
    traces.assert_gone();
}

#[tokio::test]
async fn dropping_an_unfinished_start_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let run_dir = parent.path().join("run");
    let start = Stack::builder().run_dir(&run_dir).start();
    // Until the first server is up and the others are on their way.
    tokio::select! {
        started = start => panic!("ready too early: {started:?}"),
        () = server_works_in(&run_dir) => {}
    }
    assert!(!run_dir.exists());
    assert_eq!(working_in(&run_dir), Vec::<u32>::new());
}

#[tokio::test]
async fn a_panic_leaves_nothing() {
    let (tell, told) = std::sync::mpsc::channel();
    let panicked = tokio::spawn(async move {
        let stack = Stack::builder()
            .servers(&[Server::Redis])
            .start()
            .await
            .unwrap();
        tell.send(Traces::of(&stack)).unwrap();
        panic!("a failing test");
    })
    .await;
    assert!(panicked.is_err());
    told.recv().unwrap().assert_gone();
}

#[tokio::test]
async fn kill_9_of_the_owner_leaves_nothing() {
    end_owner(Signal::SIGKILL).await;
}

#[tokio::test]
async fn ctrl_c_leaves_nothing() {
    end_owner(Signal::SIGINT).await;
}

async fn end_owner(signal: Signal) {
    let (mut owner, traces) = owner::start(Provider::Processes);
    traces.assert_present();
    kill(Pid::from_raw(owner.id().try_into().unwrap()), signal).unwrap();
    owner.wait().unwrap();
    traces.wait_gone().await;
}

async fn server_works_in(run_dir: &std::path::Path) {
    nova_testbed::wait_for(std::time::Duration::from_secs(20), || async {
        match working_in(run_dir).len() {
            0..=2 => Err("too few servers".to_owned()),
            _ => Ok(()),
        }
    })
    .await
    .unwrap();
}
