//! Where the packages are kept, and the lock that lets one process at a time fill the place.

use std::env;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::component::Component;
use crate::error::DistError;

/// A first fetch takes a minute on a good line; half an hour covers a bad one.
const LOCK_LIMIT: Duration = Duration::from_secs(30 * 60);
const LOCK_POLL: Duration = Duration::from_millis(100);
/// For root only, see [`Cache::from_env`].
const SYSTEM_CACHE: &str = "/var/cache/nova";

/// The directory that holds one directory per component and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

/// Exclusive right to change the cache; ends with the value, or with the process.
#[derive(Debug)]
pub(crate) struct CacheLock {
    _file: File,
}

impl Cache {
    /// A cache at the given place.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The user's cache: `NOVA_CACHE`, else `nova` below `XDG_CACHE_HOME` or `HOME/.cache`.
    ///
    /// Root gets `/var/cache/nova` instead when its home is closed to others: PostgreSQL refuses to run as root,
    /// and the user it runs as has to reach its binaries.
    ///
    /// # Errors
    ///
    /// [`DistError::NoCacheDirectory`] without `NOVA_CACHE` and `HOME`; [`DistError::Unreachable`] when
    /// `NOVA_CACHE` points root into a closed directory.
    pub fn from_env() -> Result<Self, DistError> {
        let root = choose(
            variable("NOVA_CACHE"),
            variable("XDG_CACHE_HOME"),
            variable("HOME"),
            nix::unistd::geteuid().is_root(),
            open_to_others,
        )?;
        Ok(Self { root })
    }

    /// The cache's root directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Directory of an installed component. It exists only when the component is complete.
    ///
    /// # Errors
    ///
    /// [`DistError::Manifest`] when the component's manifest is broken.
    pub fn directory(&self, component: Component) -> Result<PathBuf, DistError> {
        Ok(self.root.join(component.directory()?))
    }

    /// Whether the component is complete.
    pub(crate) fn holds(&self, component: Component) -> Result<bool, DistError> {
        let directory = self.directory(component)?;
        Ok(component
            .essential()
            .iter()
            .all(|file| directory.join(file).exists()))
    }

    /// Where package managers keep what they have downloaded so far: an interrupted fetch goes on from there.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.root.join("downloads")
    }

    /// Where a component is put together before it is moved to its place.
    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// Creates the cache directory, readable by everyone.
    pub(crate) fn create(&self) -> Result<(), DistError> {
        fs::create_dir_all(&self.root).map_err(DistError::io("create", &self.root))?;
        // A umask of 077 would lock out the user PostgreSQL runs as.
        let mode = Permissions::from_mode(0o755);
        match fs::set_permissions(&self.root, mode) {
            // Someone else's directory: theirs to open, and `from_env` has looked at it.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
            other => other.map_err(DistError::io("set the mode of", &self.root)),
        }
    }

    /// Waits for the exclusive lock; `waiting` is called once if another process holds it.
    pub(crate) fn lock(&self, waiting: impl FnOnce()) -> Result<CacheLock, DistError> {
        self.lock_within(LOCK_LIMIT, waiting)
    }

    fn lock_within(&self, limit: Duration, waiting: impl FnOnce()) -> Result<CacheLock, DistError> {
        let path = self.root.join(".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(DistError::io("open", &path))?;
        let start = Instant::now();
        let mut waiting = Some(waiting);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(CacheLock { _file: file }),
                Err(fs::TryLockError::Error(source)) => {
                    return Err(DistError::Io {
                        what: "lock",
                        path,
                        source,
                    });
                }
                Err(fs::TryLockError::WouldBlock) => {}
            }
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            if start.elapsed() >= limit {
                return Err(DistError::Locked {
                    cache: self.root.clone(),
                    seconds: limit.as_secs(),
                });
            }
            thread::sleep(LOCK_POLL);
        }
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn choose(
    nova_cache: Option<PathBuf>,
    xdg_cache: Option<PathBuf>,
    home: Option<PathBuf>,
    root: bool,
    open_to_others: impl Fn(&Path) -> bool,
) -> Result<PathBuf, DistError> {
    if let Some(path) = nova_cache {
        let path = std::path::absolute(&path).map_err(DistError::io("resolve", &path))?;
        return if root && !open_to_others(&path) {
            Err(DistError::Unreachable(path))
        } else {
            Ok(path)
        };
    }
    let own = xdg_cache
        .or_else(|| home.map(|home| home.join(".cache")))
        .map(|base| base.join("nova"));
    match own {
        Some(path) if !root || open_to_others(&path) => Ok(path),
        None if !root => Err(DistError::NoCacheDirectory),
        _ => Ok(PathBuf::from(SYSTEM_CACHE)),
    }
}

/// Whether another user may pass through every existing directory on the way.
fn open_to_others(path: &Path) -> bool {
    path.ancestors()
        .filter_map(|directory| fs::metadata(directory).ok())
        .all(|meta| meta.permissions().mode() & 0o001 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Option<PathBuf> {
        Some(PathBuf::from(text))
    }

    #[test]
    fn the_variables_are_asked_in_order() {
        let open = |_: &Path| true;
        assert_eq!(
            choose(path("/a"), path("/b"), path("/h"), false, open).unwrap(),
            Path::new("/a")
        );
        assert_eq!(
            choose(None, path("/b"), path("/h"), false, open).unwrap(),
            Path::new("/b/nova")
        );
        assert_eq!(
            choose(None, None, path("/h"), false, open).unwrap(),
            Path::new("/h/.cache/nova")
        );
        assert!(matches!(
            choose(None, None, None, false, open),
            Err(DistError::NoCacheDirectory)
        ));
    }

    #[test]
    fn root_leaves_a_closed_home_but_not_a_closed_choice() {
        let closed = |_: &Path| false;
        assert_eq!(
            choose(None, None, path("/root"), true, closed).unwrap(),
            Path::new(SYSTEM_CACHE)
        );
        assert_eq!(
            choose(None, None, path("/home/me"), false, closed).unwrap(),
            Path::new("/home/me/.cache/nova")
        );
        assert!(matches!(
            choose(path("/root/x"), None, None, true, closed),
            Err(DistError::Unreachable(_))
        ));
    }

    #[test]
    fn a_closed_ancestor_closes_the_path() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let below = directory.path().join("not/there/yet");
        assert!(open_to_others(&below));
        fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(!open_to_others(&below));
    }

    #[test]
    fn the_lock_is_exclusive_and_ends_with_its_value() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path());
        let held = cache.lock(|| panic!("nobody holds it")).unwrap();

        let mut waited = false;
        let error = cache
            .lock_within(Duration::ZERO, || waited = true)
            .unwrap_err();
        assert!(waited && matches!(error, DistError::Locked { .. }));

        // A second one gets it as soon as the first is dropped.
        let (told, hear) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            let second = scope.spawn(|| cache.lock(move || told.send(()).unwrap()));
            hear.recv().unwrap();
            drop(held);
            second.join().unwrap().unwrap();
        });
    }
}
