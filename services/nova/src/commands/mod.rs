//! One file per subcommand.

pub(crate) mod api;
pub(crate) mod connector;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod projector;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod token;
