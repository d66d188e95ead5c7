//! Starts that fail say why, and starts that work.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{Server, command, eventually};

/// Runs a server that must not start; what it said.
async fn refused(mut command: Command) -> String {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = eventually("the end of a server that cannot start", async || {
        child.try_wait().unwrap().ok_or("it runs")
    });
    ended.await;
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    said
}

#[track_caller]
fn assert_says(said: &str, what: &[&str]) {
    let last = said.trim_end().lines().last().unwrap_or_default();
    for what in what {
        assert!(last.contains(what), "{said}");
    }
}

#[tokio::test]
async fn a_missing_or_wrong_library() {
    let directory = tempfile::tempdir().unwrap();
    for library in ["/nowhere/libchdb.so", "/etc/hostname"] {
        let mut command = command(directory.path(), &[]);
        command.env("NOVA_CHDB_LIB", library);
        assert_says(&refused(command).await, &[library, "cannot load libchdb"]);
    }
    // A library that is not the engine.
    let mut command = command(directory.path(), &[]);
    command.env("NOVA_CHDB_LIB", "libc.so.6");
    assert_says(&refused(command).await, &["libc.so.6", "chdb_"]);
}

#[tokio::test]
async fn a_bad_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("nova.xml");
    let flags = ["--config-file", file.to_str().unwrap()];
    assert_says(
        &refused(command(&data, &flags)).await,
        &["nova.xml", "No such file"],
    );
    std::fs::write(&file, "<clickhouse><a></clickhouse>").unwrap();
    assert_says(
        &refused(command(&data, &flags)).await,
        &["nova.xml", "expected 'a' tag"],
    );
}

#[tokio::test]
async fn a_bad_data_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for data in [file.as_path(), Path::new("/proc/nope")] {
        let said = refused(command(data, &[])).await;
        assert_says(&said, &[data.to_str().unwrap(), "the data directory"]);
    }
}

#[tokio::test]
async fn a_taken_address() {
    let server = Server::start(&[]);
    let directory = tempfile::tempdir().unwrap();
    let said = refused(command(directory.path(), &["--listen", server.address()])).await;
    assert_says(&said, &[server.address(), "in use"]);
}

#[tokio::test]
async fn a_second_server_on_the_same_directory() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_in(directory.path(), &[]);
    server
        .ask("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
        .await;
    let said = refused(command(&directory.path().join("data"), &[])).await;
    assert_says(&said, &["in use by another process (PID: "]);
    // The first one is not disturbed.
    server.ask("INSERT INTO t VALUES (1)").await;
    assert_eq!(server.ask("SELECT count() FROM t").await, "1");
}

#[tokio::test]
async fn wrong_flags() {
    let missing = Command::new(env!("CARGO_BIN_EXE_nova-chdb-server"))
        .env_remove("NOVA_CHDB_LIB")
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(2));
    let said = String::from_utf8(missing.stderr).unwrap();
    assert!(said.contains("--path") && said.contains("--lib"), "{said}");
    let none = command(Path::new("x"), &["--connections", "0"])
        .output()
        .unwrap();
    assert_eq!(none.status.code(), Some(2));
}

#[tokio::test]
async fn the_ready_file_has_the_address_and_named_collections_work() {
    let directory = tempfile::tempdir().unwrap();
    let ready = directory.path().join("ready");
    let file = directory.path().join("nova.xml");
    std::fs::write(
        &file,
        "<clickhouse><named_collections><greeting><format>CSV</format></greeting></named_collections></clickhouse>",
    )
    .unwrap();
    let flags = [
        "--ready-file",
        ready.to_str().unwrap(),
        "--config-file",
        file.to_str().unwrap(),
    ];
    let server = Server::start_in(directory.path(), &flags);
    let announced = eventually("the ready file", async || std::fs::read_to_string(&ready)).await;
    assert_eq!(announced, format!("{}\n", server.url));
    assert_eq!(
        server
            .ask("SELECT name FROM system.named_collections")
            .await,
        "greeting"
    );
}

#[tokio::test]
async fn settings_of_the_library_are_those_of_a_server() {
    let server = Server::start(&[]);
    server
        .send("", "1 + 1")
        .await
        .assert_error(400, 62, "SYNTAX_ERROR");
    server.client().query("SELECT 1").execute().await.unwrap();
}
