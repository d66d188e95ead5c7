//! Kafka Connect with Debezium's plugin, as a distributed worker of one.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use nova_dist::Installation;

use super::{
    jvm::{self, ClassArchive},
    process::Recipe,
};
use crate::{
    Server, StackError,
    plan::{CDC_USER, DATABASE, Plan},
    turn::Turn,
};

/// Worker settings of every provider, beyond addresses and topics.
///
/// A worker that was killed is missed after six seconds instead of ten, and its connector is handed out at once
/// instead of after five minutes: there is no other worker to wait for.
pub(crate) const SETTINGS: [(&str, &str); 14] = [
    (
        "key.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
    ("key.converter.schemas.enable", "false"),
    (
        "value.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
    ("value.converter.schemas.enable", "false"),
    ("config.storage.replication.factor", "1"),
    ("offset.storage.replication.factor", "1"),
    ("offset.storage.partitions", "4"),
    ("status.storage.replication.factor", "1"),
    ("status.storage.partitions", "1"),
    ("offset.flush.interval.ms", "1000"),
    ("plugin.discovery", "service_load"),
    ("session.timeout.ms", "6000"),
    ("heartbeat.interval.ms", "2000"),
    ("scheduled.rebalance.max.delay.ms", "0"),
];

/// Lets connector configurations name the worker's variables, but only those meant for them.
pub(crate) const CONFIG_PROVIDERS: [(&str, &str); 3] = [
    ("config.providers", "env"),
    (
        "config.providers.env.class",
        "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    ),
    (
        "config.providers.env.param.allowlist.pattern",
        "NOVA_CDC_.*",
    ),
];

/// What the connector's configuration asks the worker's environment for.
pub(crate) fn connector_environment(
    plan: &Plan,
    host: &str,
    port: u16,
) -> BTreeMap<String, String> {
    [
        ("NOVA_CDC_PG_HOST", host.to_owned()),
        ("NOVA_CDC_PG_PORT", port.to_string()),
        ("NOVA_CDC_PG_DATABASE", DATABASE.to_owned()),
        ("NOVA_CDC_USER", CDC_USER.to_owned()),
        ("NOVA_CDC_PASSWORD", plan.cdc_password.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Writes the worker's configuration and says how it starts.
pub(crate) fn prepare(
    plan: &Plan,
    installed: &Installation,
) -> Result<(Recipe, Option<ClassArchive>), StackError> {
    let server = Server::Connect;
    let directory = plan.directory(server);
    let properties = directory.join("worker.properties");
    Plan::write(&directory.join("log4j2.yaml"), jvm::LOG4J)?;
    Plan::write(&properties, &worker_properties(plan, installed))?;

    let archive = ClassArchive::of(server, installed, &directory);
    let main = "org.apache.kafka.connect.cli.ConnectDistributed";
    let mut arguments = jvm::arguments(installed, &directory, archive.as_ref(), main);
    arguments.push(properties.into());
    let recipe = Recipe {
        server,
        program: installed.java.clone(),
        arguments,
        environment: connector_environment(plan, "127.0.0.1", plan.ports.postgres)
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect(),
        directory,
        log: plan.log(server),
        turn: Turn::Ordinary,
        account: None,
        stop_signal: Signal::SIGTERM,
    };
    Ok((recipe, archive))
}

fn worker_properties(plan: &Plan, installed: &Installation) -> String {
    let mut text = format!(
        "bootstrap.servers={}\n\
         listeners=http://127.0.0.1:{}\n\
         rest.advertised.host.name=127.0.0.1\n\
         group.id=nova-connect\n\
         config.storage.topic=nova-connect-configs\n\
         offset.storage.topic=nova-connect-offsets\n\
         status.storage.topic=nova-connect-status\n\
         plugin.path={}\n\
         reconnect.backoff.ms=50\n\
         reconnect.backoff.max.ms=200\n",
        plan.endpoints.kafka,
        plan.ports.connect,
        installed.connect_plugins.display()
    );
    for (name, value) in SETTINGS.iter().chain(&CONFIG_PROVIDERS) {
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}
