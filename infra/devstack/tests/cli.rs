//! The commands as people use them, with real servers in the background.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use nova_testbed::{Endpoints, Server, probe, wait_for};

/// One checkout's state directory.
struct Checkout {
    root: tempfile::TempDir,
}

impl Checkout {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs a command in this checkout, as from its root.
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_nova-devstack"))
            .args(arguments)
            .current_dir(self.root.path())
            .output()
            .unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = text(&output);
        assert!(output.status.success(), "{arguments:?}: {text}");
        text
    }

    fn state(&self) -> std::path::PathBuf {
        self.root.path().join(".nova")
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints::load(&self.state().join("endpoints.json")).unwrap()
    }
}

/// A test that fails in the middle leaves no servers behind.
impl Drop for Checkout {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}

#[tokio::test]
async fn up_status_fault_down() {
    let checkout = Checkout::new();
    assert!(!checkout.run(&["status"]).status.success());
    assert!(checkout.succeeds(&["down"]).contains("Nothing is up"));

    let up = checkout.succeeds(&["up", "--no-nova"]);
    assert!(up.contains("Ready after"), "{up}");
    let endpoints = checkout.endpoints();
    for server in Server::BACKENDS {
        probe(server, &endpoints).await.unwrap();
    }
    let status = checkout.succeeds(&["status"]);
    assert_eq!(status.matches(" up ").count(), 5, "{status}");
    assert!(
        status.contains("nova-postgres-cdc: not deployed"),
        "{status}"
    );
    assert!(checkout.succeeds(&["up"]).contains("already up"));

    checkout.succeeds(&["fault", "kill", "redis"]);
    let broken = checkout.run(&["status"]);
    assert!(!broken.status.success());
    assert!(text(&broken).contains("DOWN"), "{}", text(&broken));
    checkout.succeeds(&["fault", "restart", "redis"]);
    probe(Server::Redis, &endpoints).await.unwrap();
    assert!(!checkout.run(&["fault", "kill", "nova"]).status.success());
    the_console_pauses_and_resumes(&checkout.state().join("control.sock"), &endpoints).await;

    assert!(checkout.succeeds(&["down"]).contains("Stopped"));
    for server in Server::BACKENDS {
        assert!(
            probe(server, &endpoints).await.is_err(),
            "{server} still answers"
        );
    }
    assert!(!checkout.state().join("run").exists());
    assert!(!checkout.state().join("endpoints.json").exists());
    assert!(checkout.succeeds(&["down"]).contains("Nothing is up"));
}

/// The words of Nova's console, to the letter (`services/api/src/console/control.rs`).
async fn the_console_pauses_and_resumes(socket: &Path, endpoints: &Endpoints) {
    let ask = |line: &str| {
        let mut stream = UnixStream::connect(socket).unwrap();
        writeln!(stream, "{line}").unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        answer
    };
    let fault = |kind: &str| format!(r#"{{"ask":"fault","kind":"{kind}","server":"redis"}}"#);
    assert_eq!(ask(&fault("pause")), "{\"trouble\":null}\n");
    let report = ask(r#"{"ask":"status"}"#);
    assert_eq!(report.matches(r#""paused":true"#).count(), 1, "{report}");
    assert_eq!(ask(&fault("resume")), "{\"trouble\":null}\n");
    probe(Server::Redis, endpoints).await.unwrap();
}

#[tokio::test]
async fn a_killed_supervisor_leaves_nothing_and_does_not_stand_in_the_way() {
    let checkout = Checkout::new();
    checkout.succeeds(&["up", "--no-nova"]);
    let endpoints = checkout.endpoints();
    let supervisor = supervisor_of(&checkout.state());
    assert!(
        Command::new("kill")
            .args(["-9", &supervisor])
            .status()
            .unwrap()
            .success()
    );

    wait_for(Duration::from_secs(15), || async {
        for server in Server::BACKENDS {
            if probe(server, &endpoints).await.is_ok() {
                return Err(format!("{server} still answers"));
            }
        }
        if checkout.state().join("run").exists() {
            return Err("the run directory is still there".to_owned());
        }
        Ok(())
    })
    .await
    .unwrap();
    assert!(!checkout.run(&["status"]).status.success());

    // Another checkout at the same time, and this one again.
    let other = Checkout::new();
    other.succeeds(&["up", "--no-nova"]);
    checkout.succeeds(&["up", "--no-nova"]);
    assert_ne!(other.endpoints(), checkout.endpoints());
    probe(Server::Kafka, &other.endpoints()).await.unwrap();
    probe(Server::Kafka, &checkout.endpoints()).await.unwrap();
}

#[test]
fn a_failed_start_says_which_server_and_keeps_the_logs() {
    let checkout = Checkout::new();
    let broken = Command::new(env!("CARGO_BIN_EXE_nova-devstack"))
        .args(["up", "--no-nova"])
        .current_dir(checkout.root.path())
        // Says why, and ends.
        .env("NOVA_CHDB_SERVER_BIN", "/bin/ls")
        .output()
        .unwrap();
    let said = text(&broken);
    assert!(!broken.status.success());
    assert!(said.contains("clickhouse: starting failed"), "{said}");
    assert!(said.contains("unrecognized option"), "{said}");
    assert!(checkout.state().join("run/logs/clickhouse.log").is_file());
    assert!(!checkout.run(&["status"]).status.success());
    checkout.succeeds(&["down"]);
    assert!(!checkout.state().join("run").exists());
}

#[test]
fn beside_a_demo_the_commands_say_so() {
    let checkout = Checkout::new();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_nova-devstack"))
        .args(["demo", "--once"])
        .current_dir(checkout.root.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It holds the lock and listens to signals before it says anything.
    let mut said = BufReader::new(demo.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("Starting")));

    let begun = Instant::now();
    for command in ["status", "down", "up"] {
        let refused = checkout.run(&[command]);
        assert!(!refused.status.success(), "{command}");
        let text = text(&refused);
        assert!(text.contains("a demo is running"), "{command}: {text}");
        assert!(text.contains(&demo.id().to_string()), "{command}: {text}");
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(demo.try_wait().unwrap().is_none(), "nobody ended it");

    let interrupt = Command::new("kill")
        .args(["-INT", &demo.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    // To the end, or it could not write.
    said.for_each(drop);
    demo.wait().unwrap();
    assert!(text(&checkout.run(&["status"])).contains("The stack is down"));
    assert!(checkout.succeeds(&["down"]).contains("Nothing is up"));
    assert!(!checkout.state().join("run").exists());
}

/// The process that works for this state directory, told by its open lock.
fn supervisor_of(state: &Path) -> String {
    let lock = state.join("lock").canonicalize().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let open = std::fs::read_dir(entry.path().join("fd")).ok()?;
            let holds = open
                .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
                .any(|target| target == lock);
            holds.then(|| entry.file_name().into_string().ok())?
        })
        .next()
        .unwrap()
}
