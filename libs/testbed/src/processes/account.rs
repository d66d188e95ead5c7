//! PostgreSQL refuses to run as root. So as root, in a container or on a build machine, it gets another user,
//! and its data a place that this user can reach. (`nova-dist` puts the programs where everyone can.)

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
};

use nix::unistd::{User, geteuid};

/// Users tried in this order: the one made for it where PostgreSQL is installed, else the one that owns nothing.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// The user to run a server as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// The other user when this process is root; `None` when it is not, and needs no other.
    pub(crate) fn for_postgres() -> io::Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        for name in CANDIDATES {
            if let Some(user) = User::from_name(name)? {
                return Ok(Some(Self {
                    uid: user.uid.as_raw(),
                    gid: user.gid.as_raw(),
                }));
            }
        }
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            "PostgreSQL does not run as root, and there is neither a user postgres nor nobody",
        ))
    }

    /// Gives a directory to this user.
    pub(crate) fn own(&self, directory: &Path) -> io::Result<()> {
        chown(directory, Some(self.uid), Some(self.gid))
    }

    /// Whether this user can enter every directory on the way to `path`.
    pub(crate) fn reaches(&self, path: &Path) -> io::Result<bool> {
        for directory in path.canonicalize()?.ancestors() {
            let meta = fs::metadata(directory)?;
            let mode = meta.permissions().mode();
            let bit = if meta.uid() == self.uid {
                0o100
            } else if meta.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            if mode & bit == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
