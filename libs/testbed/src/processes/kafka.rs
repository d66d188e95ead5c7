//! Kafka: one node that is broker and controller.

use std::path::Path;

use nix::sys::signal::Signal;
use nova_dist::Installation;

use super::{
    jvm::{self, ClassArchive},
    process::Recipe,
    template::Template,
};
use crate::{Server, StackError, error::ServerFailure, plan::Plan, turn::Turn};

/// The node's identity: a stack's broker never meets that of another.
pub(crate) const CLUSTER_ID: &str = "4L6g3nShT-eMCtK--X86sw";

/// Broker settings of every provider.
///
/// `group.initial.rebalance.delay.ms=0` saves three seconds at the start of each consumer group. Internal topics
/// get few partitions: each costs files and start-up time, and there is one broker. A broker that was killed may
/// register again only when its old session is over: three seconds instead of nine.
pub(crate) const SETTINGS: [(&str, &str); 13] = [
    ("auto.create.topics.enable", "false"),
    ("offsets.topic.replication.factor", "1"),
    ("offsets.topic.num.partitions", "4"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("transaction.state.log.num.partitions", "4"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("min.insync.replicas", "1"),
    ("broker.session.timeout.ms", "3000"),
    ("broker.heartbeat.interval.ms", "750"),
    ("log.retention.hours", "168"),
];

/// Formats the storage (blocking; nothing with a template, 1 s without) and says how the broker starts.
pub(crate) fn prepare(
    plan: &Plan,
    installed: &Installation,
) -> Result<(Recipe, Option<ClassArchive>), StackError> {
    let server = Server::Kafka;
    let directory = plan.directory(server);
    let properties = directory.join("server.properties");
    Plan::write(&directory.join("log4j2.yaml"), jvm::LOG4J)?;
    Plan::write(&properties, &server_properties(plan))?;

    let archive = ClassArchive::of(server, installed, &directory);
    let mut arguments = jvm::arguments(installed, &directory, archive.as_ref(), "kafka.Kafka");
    arguments.push(properties.clone().into());
    let recipe = Recipe {
        server,
        program: installed.java.clone(),
        arguments,
        environment: std::collections::BTreeMap::new(),
        directory: directory.clone(),
        log: plan.log(server),
        turn: Turn::Ordinary,
        account: None,
        stop_signal: Signal::SIGTERM,
    };

    let data = directory.join("data");
    let template = installed.kafka_libs.parent().and_then(Template::of);
    let copied = template
        .as_ref()
        .is_some_and(|template| template.copy_to(&data, None));
    if !copied {
        format(plan, installed, &recipe, &properties)?;
        if let Some(template) = template {
            template.keep(&data);
        }
    }
    Ok((recipe, archive))
}

/// Nothing of the result depends on this run: no address, no path.
fn format(
    plan: &Plan,
    installed: &Installation,
    recipe: &Recipe,
    properties: &Path,
) -> Result<(), StackError> {
    plan.goes_on()?;
    let mut format = Recipe {
        arguments: jvm::arguments(
            installed,
            &recipe.directory,
            None,
            "kafka.tools.StorageTool",
        ),
        ..recipe.clone()
    }
    .command()?;
    let status = format
        .args(["format", "--cluster-id", CLUSTER_ID, "--config"])
        .arg(properties)
        .status()
        .map_err(StackError::io("formatting Kafka's storage"))?;
    if status.success() {
        return Ok(());
    }
    Err(ServerFailure::error(
        recipe.server,
        "formatting its storage",
        status.to_string(),
        plan.log(recipe.server),
    ))
}

fn server_properties(plan: &Plan) -> String {
    let (broker, controller) = (plan.ports.kafka, plan.ports.kafka_controller);
    let logs = plan.directory(Server::Kafka).join("data");
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=CLIENT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=CLIENT://127.0.0.1:{broker}\n\
         listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=CLIENT\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={}\n",
        logs.display()
    );
    for (name, value) in SETTINGS {
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}
