//! What a stack leaves on the machine while it runs, and whether it is gone.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use nova_testbed::{Endpoints, Server, Stack, wait_for};

/// Processes, ports and directory of a stack.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    pub(crate) pids: Vec<u32>,
    pub(crate) ports: Vec<u16>,
    pub(crate) run_dir: PathBuf,
}

impl Traces {
    pub(crate) fn of(stack: &Stack) -> Self {
        Self {
            pids: stack
                .servers()
                .into_iter()
                .map(|server| stack.pid(server).unwrap())
                .collect(),
            ports: stack
                .servers()
                .into_iter()
                .map(|server| port(server, stack.endpoints()))
                .collect(),
            run_dir: stack.run_dir().to_owned(),
        }
    }

    /// Everything is there: otherwise its absence later would prove nothing.
    pub(crate) fn assert_present(&self) {
        assert!(self.run_dir.is_dir());
        for pid in &self.pids {
            assert!(runs(*pid), "process {pid} does not run");
        }
        for port in &self.ports {
            assert!(
                TcpListener::bind(("127.0.0.1", *port)).is_err(),
                "nobody listens on {port}"
            );
        }
    }

    /// What is still there.
    fn left(&self) -> Result<(), String> {
        let mut left = Vec::new();
        left.extend(
            self.pids
                .iter()
                .filter(|pid| runs(**pid))
                .map(|pid| format!("process {pid}")),
        );
        left.extend(
            working_in(&self.run_dir)
                .iter()
                .map(|pid| format!("child {pid}")),
        );
        left.extend(
            self.ports
                .iter()
                .filter(|port| TcpListener::bind(("127.0.0.1", **port)).is_err())
                .map(|port| format!("port {port}")),
        );
        if self.run_dir.exists() {
            left.push(self.run_dir.display().to_string());
        }
        if left.is_empty() {
            Ok(())
        } else {
            Err(left.join(", "))
        }
    }

    pub(crate) fn assert_gone(&self) {
        self.left().unwrap();
    }

    pub(crate) async fn wait_gone(&self) {
        wait_for(Duration::from_secs(15), || async { self.left() })
            .await
            .unwrap();
    }
}

/// The port of a server's endpoint.
pub(crate) fn port(server: Server, endpoints: &Endpoints) -> u16 {
    let address = match server {
        Server::Postgres => &endpoints.postgres,
        Server::Kafka => &endpoints.kafka,
        Server::Connect => &endpoints.connect,
        Server::ClickHouse => &endpoints.clickhouse,
        Server::Redis => &endpoints.redis,
        Server::Nova => &endpoints.api,
    };
    let after = address.rsplit(':').next().unwrap();
    after.split('/').next().unwrap().parse().unwrap()
}

/// A zombie has ended: it waits for a parent that may be gone.
pub(crate) fn runs(pid: u32) -> bool {
    fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}

/// The processes that work below a directory, among them the children of servers.
pub(crate) fn working_in(directory: &Path) -> Vec<u32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let works_in = fs::read_link(entry.path().join("cwd")).ok()?;
            let pid = entry.file_name().to_str()?.parse().ok()?;
            works_in.starts_with(directory).then_some(pid)
        })
        .collect()
}
