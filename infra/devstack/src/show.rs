//! What people read.

use comfy_table::{Table, presets};
use nova_testbed::{Endpoints, Server};

use crate::console;
use crate::control::{Phase, ServerReport, State};

/// A server's address as people type it, without credentials.
pub(crate) fn address(server: Server, endpoints: &Endpoints) -> String {
    let url = match server {
        Server::Postgres => &endpoints.postgres,
        Server::Kafka => &endpoints.kafka,
        Server::Connect => &endpoints.connect,
        Server::ClickHouse => &endpoints.clickhouse,
        Server::Redis => &endpoints.redis,
        Server::Nova => &endpoints.api,
    };
    let Ok(mut parsed) = url::Url::parse(url) else {
        return url.clone();
    };
    if parsed.host().is_none() {
        return url.clone();
    }
    // Both fail only for URLs without a host.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.as_str().trim_end_matches('/').to_owned()
}

/// Where everything runs and how long it took.
pub(crate) fn ready(state: &State, endpoints_file: &str) {
    let Some(endpoints) = &state.endpoints else {
        return;
    };
    let mut table = table();
    for (name, seconds) in &state.ready {
        if let Ok(server) = name.parse::<Server>() {
            table.add_row([
                name.clone(),
                address(server, endpoints),
                format!("{seconds:.1} s"),
            ]);
        }
    }
    println!("{table}");
    if state.phase == Phase::Ready && state.seconds > 0.0 {
        println!(
            "Ready after {:.1} s. Addresses with passwords: {endpoints_file}",
            state.seconds
        );
        let has_nova = state
            .ready
            .iter()
            .any(|(name, _)| name == Server::Nova.name());
        if let Some(url) = console::url(endpoints).filter(|_| has_nova) {
            println!("Console: {url}");
        }
    }
}

/// One row per server.
pub(crate) fn servers(servers: &[ServerReport]) {
    let mut table = table();
    for server in servers {
        table.add_row([
            server.name.clone(),
            match (&server.trouble, server.pid) {
                (None, _) => "up".to_owned(),
                (Some(_), None) => "DOWN".to_owned(),
                (Some(trouble), Some(_)) => format!("not answering: {trouble}"),
            },
            server.address.clone(),
            server
                .pid
                .map_or_else(String::new, |pid| format!("pid {pid}")),
            server
                .memory
                .map_or_else(String::new, |bytes| format!("{} MB", bytes / 1_000_000)),
        ]);
    }
    println!("{table}");
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}
