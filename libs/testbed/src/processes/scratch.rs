//! Places for what is only half made, beside where it will be: whoever looks for the whole never sees a half.
//!
//! Each is somebody's own. Servers are prepared side by side in one process, and a process that was killed leaves
//! its half behind for a later one with the same number.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use tempfile::{Builder, NamedTempFile, TempDir};

/// Begins the names of halves; nothing that is whole has such a name.
const PREFIX: &str = ".half-";

/// Nothing takes that long to prepare: an older half belongs to a process that was killed. (Its number would not
/// tell: containers that share the packages count their processes on their own.)
const ABANDONED: Duration = Duration::from_secs(3600);

/// A new, empty directory in `folder`. Removed with the value, unless it was renamed by then.
pub(super) fn directory(folder: &Path) -> io::Result<TempDir> {
    prepare(folder)?;
    Builder::new().prefix(PREFIX).tempdir_in(folder)
}

/// A new, empty file in `folder`. Removed with the value, unless it was persisted.
pub(super) fn file(folder: &Path) -> io::Result<NamedTempFile> {
    prepare(folder)?;
    Builder::new().prefix(PREFIX).tempfile_in(folder)
}

/// Makes the folder, and removes from it what was abandoned.
fn prepare(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with('.') || !is_abandoned(&entry) {
            continue;
        }
        // Somebody else may be removing it as well.
        let path = entry.path();
        let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
    }
    Ok(())
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let changed = entry.metadata().and_then(|meta| meta.modified());
    changed.is_ok_and(|changed| {
        SystemTime::now()
            .duration_since(changed)
            .is_ok_and(|age| age > ABANDONED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abandoned_halves_are_removed_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join(".4711");
        let whole = folder.path().join("server-1.0-1");
        for directory in [&old, &whole] {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join("file"), "content").unwrap();
            let long_ago = SystemTime::now() - 2 * ABANDONED;
            fs::File::open(directory)
                .unwrap()
                .set_modified(long_ago)
                .unwrap();
        }
        let mine = directory(folder.path()).unwrap();
        assert!(!old.exists());
        assert!(whole.join("file").exists());
        let other = directory(folder.path()).unwrap();
        assert!(mine.path().exists());
        assert_ne!(mine.path(), other.path());
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
    }
}
