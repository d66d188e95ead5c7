//! How each container is made. Both families of images take the upstream images' variables.

use std::time::Duration;

use testcontainers_modules::testcontainers::{
    ContainerRequest, GenericImage, ImageExt as _,
    bollard::models::HostConfig,
    core::{ContainerPort, WaitFor},
};

use super::images::Images;
use crate::{
    Server, StackError,
    plan::{DATABASE, Plan, USER},
    processes::{clickhouse, connect, kafka, postgres, redis},
};

/// Label of everything a run starts; its value is the run.
pub(super) const LABEL: &str = "nova-testbed";

/// The broker's port for other containers; the published one is for the host.
const KAFKA_INTERNAL: u16 = 19_092;

/// A container's name, which is its host name for the others of the run.
pub(super) fn container_name(plan: &Plan, server: Server) -> String {
    format!("{}-{server}", plan.run_id)
}

/// The request to start a server's container, published at the port of its endpoint: the same after a restart.
pub(super) fn request(
    plan: &Plan,
    server: Server,
    images: &Images,
    durable: bool,
) -> Result<ContainerRequest<GenericImage>, StackError> {
    let (name, tag) = images.get(&server).ok_or(StackError::NotPart(server))?;
    let request = GenericImage::new(name.clone(), tag.clone())
        .with_container_name(container_name(plan, server))
        .with_network(&plan.run_id)
        .with_label(LABEL, &plan.run_id)
        .with_host_config_modifier(publish_here_alone)
        // Readiness is asked for in the server's own protocol, as for processes.
        .with_ready_conditions(vec![WaitFor::Nothing])
        .with_startup_timeout(Duration::from_secs(120));
    let ports = plan.ports;
    Ok(match server {
        Server::Postgres => postgres_request(request, plan, durable)
            .with_mapped_port(ports.postgres, ContainerPort::Tcp(5432)),
        Server::Kafka => {
            kafka_request(request, plan).with_mapped_port(ports.kafka, ContainerPort::Tcp(9092))
        }
        Server::Connect => {
            connect_request(request, plan).with_mapped_port(ports.connect, ContainerPort::Tcp(8083))
        }
        Server::ClickHouse => clickhouse_request(request, plan)
            .with_mapped_port(ports.clickhouse, ContainerPort::Tcp(8123)),
        Server::Redis => {
            redis_request(request).with_mapped_port(ports.redis, ContainerPort::Tcp(6379))
        }
        Server::Nova => return Err(StackError::NotPart(server)),
    })
}

/// Publishes the mapped ports on this machine's loopback address: most of the servers ask for no password.
fn publish_here_alone(host: &mut HostConfig) {
    let bindings = host
        .port_bindings
        .iter_mut()
        .flat_map(|all| all.values_mut());
    for binding in bindings.flatten().flatten() {
        binding.host_ip = Some("127.0.0.1".to_owned());
    }
}

type Request = ContainerRequest<GenericImage>;

fn postgres_request(request: Request, plan: &Plan, durable: bool) -> Request {
    let mut command = vec!["postgres".to_owned()];
    let fsync = ("fsync", if durable { "on" } else { "off" });
    for (name, value) in postgres::SETTINGS.into_iter().chain([fsync]) {
        command.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    request
        .with_env_var("POSTGRES_USER", USER)
        .with_env_var("POSTGRES_PASSWORD", plan.postgres_password())
        .with_env_var("POSTGRES_DB", DATABASE)
        .with_cmd(command)
}

fn kafka_request(request: Request, plan: &Plan) -> Request {
    let own = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        ("controller.quorum.voters", "1@localhost:9093".to_owned()),
        (
            "listeners",
            format!(
                "INTERNAL://0.0.0.0:{KAFKA_INTERNAL},EXTERNAL://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093"
            ),
        ),
        (
            "advertised.listeners",
            format!(
                "INTERNAL://{},EXTERNAL://{}",
                kafka_inside(plan),
                plan.endpoints.kafka
            ),
        ),
        (
            "listener.security.protocol.map",
            "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        ),
        ("inter.broker.listener.name", "INTERNAL".to_owned()),
        ("controller.listener.names", "CONTROLLER".to_owned()),
    ];
    let shared = kafka::SETTINGS.map(|(name, value)| (name, value.to_owned()));
    own.into_iter()
        .chain(shared)
        .fold(request, |request, (name, value)| {
            request.with_env_var(variable("KAFKA_", name), value)
        })
        .with_env_var("CLUSTER_ID", kafka::CLUSTER_ID)
}

fn connect_request(request: Request, plan: &Plan) -> Request {
    let request = request
        .with_env_var("BOOTSTRAP_SERVERS", kafka_inside(plan))
        .with_env_var("GROUP_ID", "nova-connect")
        .with_env_var("CONFIG_STORAGE_TOPIC", "nova-connect-configs")
        .with_env_var("OFFSET_STORAGE_TOPIC", "nova-connect-offsets")
        .with_env_var("STATUS_STORAGE_TOPIC", "nova-connect-status")
        // The upstream image sets this one from a variable of its own.
        .with_env_var("OFFSET_FLUSH_INTERVAL_MS", "1000");
    let request = connect::SETTINGS
        .iter()
        .chain(&connect::CONFIG_PROVIDERS)
        .fold(request, |request, (name, value)| {
            request.with_env_var(variable("CONNECT_", name), *value)
        });
    connect::connector_environment(plan, &container_name(plan, Server::Postgres), 5432)
        .into_iter()
        .fold(request, |request, (name, value)| {
            request.with_env_var(name, value)
        })
}

fn clickhouse_request(request: Request, plan: &Plan) -> Request {
    request
        .with_env_var("CLICKHOUSE_USER", USER)
        .with_env_var("CLICKHOUSE_PASSWORD", plan.clickhouse_password())
        .with_env_var("NOVA_KAFKA_BROKER_LIST", kafka_inside(plan))
        .with_copy_to(
            "/etc/clickhouse-server/config.d/nova.xml",
            clickhouse::CONFIGURATION.as_bytes().to_vec(),
        )
}

fn redis_request(request: Request) -> Request {
    let options = redis::OPTIONS
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value.to_owned()]);
    request.with_cmd(std::iter::once("redis-server".to_owned()).chain(options))
}

/// The broker's address for the other containers.
fn kafka_inside(plan: &Plan) -> String {
    format!("{}:{KAFKA_INTERNAL}", container_name(plan, Server::Kafka))
}

/// The images take a setting `a.b` as the variable `PREFIX_A_B`.
fn variable(prefix: &str, setting: &str) -> String {
    format!("{prefix}{}", setting.replace('.', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use testcontainers_modules::testcontainers::bollard::models::PortBinding;

    use super::*;

    #[test]
    fn nothing_is_published_to_the_network() {
        let directory = tempfile::tempdir().unwrap();
        let plan = Plan::new(Some(directory.path().to_owned()), None).unwrap();
        let images: Images = Server::BACKENDS
            .map(|server| (server, ("image".to_owned(), "1".to_owned())))
            .into();
        for server in Server::BACKENDS {
            let request = request(&plan, server, &images, false).unwrap();
            // What testcontainers makes of the mapped ports before it asks the modifier.
            let open = PortBinding {
                host_ip: None,
                host_port: Some("1".to_owned()),
            };
            let mut host = HostConfig {
                port_bindings: Some([("1/tcp".to_owned(), Some(vec![open]))].into()),
                ..HostConfig::default()
            };
            request.host_config_modifier().unwrap()(&mut host);
            let bindings = host.port_bindings.unwrap().remove("1/tcp").unwrap();
            let address = bindings.unwrap().remove(0).host_ip;
            assert_eq!(address.as_deref(), Some("127.0.0.1"), "{server}");
        }
    }
}
