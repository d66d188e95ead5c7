//! The server of the Redis protocol: a cache, so nothing of it is written to disk.

use nix::sys::signal::Signal;
use nova_dist::Installation;

use super::process::Recipe;
use crate::{Server, plan::Plan, turn::Turn};

/// Server options of every provider. A cache that is full forgets the keys used least; it has room for the counters of ten
/// million posts, at some 350 bytes each, and for feeds beside them.
pub(crate) const OPTIONS: [(&str, &str); 4] = [
    ("--save", ""),
    ("--appendonly", "no"),
    ("--maxmemory", "4gb"),
    ("--maxmemory-policy", "allkeys-lru"),
];

pub(crate) fn prepare(plan: &Plan, installed: &Installation) -> Recipe {
    let server = Server::Redis;
    let port = plan.ports.redis.to_string();
    let own = [("--port", port.as_str()), ("--bind", "127.0.0.1")];
    Recipe {
        server,
        program: installed.valkey_server.clone(),
        arguments: own
            .iter()
            .chain(&OPTIONS)
            .flat_map(|(name, value)| [(*name).into(), (*value).into()])
            .collect(),
        environment: std::collections::BTreeMap::new(),
        directory: plan.directory(server),
        log: plan.log(server),
        turn: Turn::First,
        account: None,
        stop_signal: Signal::SIGTERM,
    }
}
