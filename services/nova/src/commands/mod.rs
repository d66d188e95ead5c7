//! One file per subcommand.

pub(crate) mod api;
pub(crate) mod backends;
pub(crate) mod checks;
pub(crate) mod connector;
pub(crate) mod console;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod jobs;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod projector;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod token;
