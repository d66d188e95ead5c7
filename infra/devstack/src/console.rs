//! The development console: a stack with Nova has it, unless `NOVA_CONSOLE=off`.

use anyhow::{Context as _, bail};
use nova_testbed::{Endpoints, StackBuilder};

use crate::place::Place;

const SWITCH: &str = "NOVA_CONSOLE";

/// Switches the console of the stack's Nova on, and tells it where servers are paused and resumed.
pub(crate) fn add(builder: StackBuilder, place: &Place) -> anyhow::Result<StackBuilder> {
    if !is_on()? {
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
    // Whoever wrote something else has been told by `add`.
    is_on()
        .unwrap_or(false)
        .then(|| format!("{}/console", endpoints.api))
}

fn is_on() -> anyhow::Result<bool> {
    match std::env::var(SWITCH).as_deref() {
        Err(_) | Ok("" | "on") => Ok(true),
        Ok("off") => Ok(false),
        Ok(other) => bail!("{SWITCH}: must be `on` or `off`, not `{other}`"),
    }
}
