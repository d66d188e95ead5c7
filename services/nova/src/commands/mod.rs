//! One file per subcommand.

pub(crate) mod connector;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod simulate;
