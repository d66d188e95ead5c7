//! `nova openapi`: the document of the HTTP API.

use std::io::Write as _;

/// Prints it as `docs/openapi.json` has it; needs no server and no settings.
pub(crate) fn run() -> anyhow::Result<()> {
    std::io::stdout().write_all(nova_api::openapi_json().as_bytes())?;
    Ok(())
}
