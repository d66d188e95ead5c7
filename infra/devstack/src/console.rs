//! The development console: a stack with Nova has it, unless `NOVA_CONSOLE=off`.

use anyhow::Context as _;
use nova_testbed::{Endpoints, StackBuilder};

use crate::place::Place;

const SWITCH: &str = "NOVA_CONSOLE";

/// Switches the console of the stack's Nova on, and tells it where servers are paused and resumed.
pub(crate) fn add(builder: StackBuilder, place: &Place) -> anyhow::Result<StackBuilder> {
    if is_off() {
        return Ok(builder);
    }
    let socket = place.root().canonicalize()?.join("control.sock");
    let socket = socket.to_str().context("a path that is not Unicode")?;
    Ok(builder
        .nova_env(SWITCH, "on")
        .nova_env("NOVA_CONSOLE_CONTROL", socket))
}

/// Where it is opened; none when it is off.
pub(crate) fn url(endpoints: &Endpoints) -> Option<String> {
    (!is_off()).then(|| format!("{}/console", endpoints.api))
}

fn is_off() -> bool {
    std::env::var(SWITCH).as_deref() == Ok("off")
}
