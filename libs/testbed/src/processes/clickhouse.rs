//! ClickHouse: the engine as a library behind its HTTP interface.

use nix::sys::signal::Signal;
use nova_dist::Installation;

use super::process::Recipe;
use crate::{
    Server, StackError, binaries,
    plan::{Plan, USER},
    turn::Turn,
};

/// The server configuration every ClickHouse of Nova runs with.
pub(crate) const CONFIGURATION: &str = include_str!("../../../../clickhouse/config.d/nova.xml");

/// Writes the configuration and says how the server starts.
pub(crate) fn prepare(plan: &Plan, installed: &Installation) -> Result<Recipe, StackError> {
    let server = Server::ClickHouse;
    let directory = plan.directory(server);
    let configuration = directory.join("nova.xml");
    Plan::write(&configuration, CONFIGURATION)?;
    Ok(Recipe {
        server,
        program: binaries::find("nova-chdb-server", "NOVA_CHDB_SERVER_BIN")?,
        arguments: vec![
            "--lib".into(),
            installed.libchdb.clone().into(),
            "--listen".into(),
            format!("127.0.0.1:{}", plan.ports.clickhouse).into(),
            "--path".into(),
            directory.join("data").into(),
            "--config-file".into(),
            configuration.into(),
        ],
        environment: [
            ("NOVA_CHDB_USER".to_owned(), USER.into()),
            (
                "NOVA_CHDB_PASSWORD".to_owned(),
                plan.clickhouse_password().into(),
            ),
            (
                "NOVA_KAFKA_BROKER_LIST".to_owned(),
                plan.endpoints.kafka.clone().into(),
            ),
        ]
        .into(),
        directory,
        log: plan.log(server),
        // Answers from memory do not wait for queries and recounts. On a machine of its own it changes nothing.
        turn: Turn::Last,
        account: None,
        stop_signal: Signal::SIGTERM,
    })
}
