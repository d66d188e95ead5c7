//! The state directory of one checkout, and who may use it.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use nix::unistd::geteuid;

/// What the lock's file says, with a process, while a demonstration holds it.
const DEMO: &str = "demo ";

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

    /// Makes the directory; for the owner alone, as it holds passwords. Below root's, PostgreSQL runs as another
    /// user, who has to get through to its data: that one may pass, but not look around.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
        let parents = self.root.parent().map_or(Ok(()), fs::create_dir_all);
        let created = parents.and_then(|()| DirBuilder::new().mode(mode).create(&self.root));
        match created {
            // Whoever made it has chosen its permissions.
            Err(_) if self.root.is_dir() => Ok(()),
            created => created.with_context(|| format!("creating {}", self.root.display())),
        }
    }

    /// The right to run a stack here; ends with the value or with the process. `None` while somebody has it.
    pub(crate) fn lock(&self) -> anyhow::Result<Option<File>> {
        let path = self.lock_path();
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                // What the last holder said of itself.
                file.set_len(0).context("locking")?;
                Ok(Some(file))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context("locking"),
        }
    }

    /// The same for a demonstration, which listens on no socket: the commands learn of it from the lock's file.
    pub(crate) fn lock_for_demo(&self) -> anyhow::Result<Option<File>> {
        let Some(mut file) = self.lock()? else {
            return Ok(None);
        };
        write!(file, "{DEMO}{}", std::process::id()).context("locking")?;
        Ok(Some(file))
    }

    /// Fails while a demonstration runs here, and says how that is ended.
    pub(crate) fn refuse_beside_demo(&self) -> anyhow::Result<()> {
        let said = fs::read_to_string(self.lock_path()).unwrap_or_default();
        let Some(process) = said.strip_prefix(DEMO) else {
            return Ok(());
        };
        // One that was killed has left its words, but not the lock.
        if self.lock()?.is_none() {
            bail!(
                "a demo is running in {} (process {process}): end it with Ctrl-C in its terminal",
                self.root.display()
            );
        }
        Ok(())
    }

    fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nobody_else_may_look_into_the_directory() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(parent.path().join("deep/.nova"));
        place.create().unwrap();
        place.create().unwrap();
        let mode = fs::metadata(place.root()).unwrap().permissions().mode();
        assert_eq!(mode & 0o766, 0o700, "{mode:o}");

        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Place::new(file).create().is_err());
    }

    #[test]
    fn a_demo_is_known_while_it_holds_the_lock() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::new(root.path().to_owned());
        place.refuse_beside_demo().unwrap();

        let demo = place.lock_for_demo().unwrap().unwrap();
        let refused = place.refuse_beside_demo().unwrap_err().to_string();
        assert!(refused.contains(&format!("(process {})", std::process::id())));
        assert!(place.lock_for_demo().unwrap().is_none());
        drop(demo);
        place.refuse_beside_demo().unwrap();

        drop(place.lock_for_demo().unwrap().unwrap());
        let _supervisor = place.lock().unwrap().unwrap();
        place.refuse_beside_demo().unwrap();
    }
}
