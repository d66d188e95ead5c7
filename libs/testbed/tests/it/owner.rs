//! A process that owns a stack and then waits to be killed. It is this test program, started once more.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use nova_testbed::{Provider, Server, Stack};

use crate::traces::Traces;

const MARK: &str = "NOVA_TESTBED_OWNER";

/// Starts a stack in a process of its own, and tells its traces.
pub(crate) fn start(provider: Provider) -> (Child, Traces) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "owner::owns_a_stack_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(MARK, format!("{provider:?}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let traces = output
        .lines()
        .map(Result::unwrap)
        .find_map(|line| Some(parse(line.split_once("traces ")?.1)))
        .expect("the owner told what it has started");
    (child, traces)
}

/// Only does something when [`start`] started it.
#[tokio::test]
#[ignore = "the other half of the tests that kill the owner of a stack"]
async fn owns_a_stack_until_killed() {
    let Ok(provider) = std::env::var(MARK) else {
        return;
    };
    let stack = if provider == format!("{:?}", Provider::Containers) {
        Stack::builder()
            .provider(Provider::Containers)
            .servers(&[Server::Redis, Server::ClickHouse])
    } else {
        Stack::builder().servers(&[
            Server::Postgres,
            Server::Redis,
            Server::ClickHouse,
            Server::Kafka,
        ])
    };
    let stack = stack.start().await.unwrap();
    let traces = Traces::of(&stack);
    println!("traces {}", print(&traces));
    std::future::pending::<()>().await;
}

fn print(traces: &Traces) -> String {
    let join = |numbers: Vec<String>| numbers.join(",");
    format!(
        "{} {} {}",
        join(traces.pids.iter().map(u32::to_string).collect()),
        join(traces.ports.iter().map(u16::to_string).collect()),
        traces.run_dir.display()
    )
}

fn parse(line: &str) -> Traces {
    let mut parts = line.splitn(3, ' ');
    Traces {
        pids: parts
            .next()
            .unwrap()
            .split(',')
            .map(|pid| pid.parse().unwrap())
            .collect(),
        ports: parts
            .next()
            .unwrap()
            .split(',')
            .map(|port| port.parse().unwrap())
            .collect(),
        run_dir: parts.next().unwrap().into(),
    }
}
