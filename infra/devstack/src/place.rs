//! The state directory of one checkout, and who may use it.

use std::{
    fs::{self, File, TryLockError},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// Paths below `.nova`.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    root: PathBuf,
}

impl Place {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Logs and data of the servers.
    pub(crate) fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Where the servers are, for Nova and for people.
    pub(crate) fn endpoints(&self) -> PathBuf {
        self.root.join("endpoints.json")
    }

    /// Commands to the supervisor. The path is relative where the directory is: a socket's path must be short.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// The supervisor's own log.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("supervisor.log")
    }

    /// Makes the directory; for the owner alone, as it holds passwords.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.root).with_context(|| format!("creating {}", self.root.display()))
    }

    /// The right to run a stack here; ends with the value or with the process. `None` while somebody has it.
    pub(crate) fn lock(&self) -> anyhow::Result<Option<File>> {
        let path = self.root.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context("locking"),
        }
    }

    /// A number of this checkout, the same each time: its stack tends to keep its ports.
    pub(crate) fn port_seed(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.root
            .canonicalize()
            .unwrap_or_else(|_| self.root.clone())
            .hash(&mut hasher);
        hasher.finish()
    }

    /// Removes everything that only a running stack needs.
    pub(crate) fn forget_stack(&self) {
        for path in [self.endpoints(), self.socket()] {
            // What was never there need not be removed.
            let _ = fs::remove_file(path);
        }
    }

    /// Removes the logs and data of a stack that ended badly.
    pub(crate) fn remove_run(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.run()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
