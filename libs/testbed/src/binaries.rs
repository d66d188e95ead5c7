//! Nova's own programs, built beside the one that asks.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::StackError;

/// Finds a program of this workspace: where `variable` says, else beside this executable.
/// Tests and examples live one folder deeper than the programs.
pub(crate) fn find(name: &str, variable: &str) -> Result<PathBuf, StackError> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(PathBuf::from(path));
    }
    let own = std::env::current_exe().map_err(StackError::io("finding this program"))?;
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder: &Path| folder.join(name))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| StackError::Io {
            doing: format!("looking for {name} beside {}", own.display()),
            source: io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "not built; `cargo build -p {name}` builds it, {variable} says where else it is"
                ),
            ),
        })
}
