//! Freshly prepared data directories, kept beside the packages and copied at each start.
//!
//! `initdb` and Kafka's `format` cost a second of processor time each, always with the same result;
//! a copy costs a tenth of that.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{account::Account, scratch};

/// Goes up when directories are prepared in another way, so that older templates are not taken.
const RECIPE: u32 = 1;

/// A data directory as its server's own tool made it.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    place: PathBuf,
}

impl Template {
    /// The template that belongs to one installed package; `package` is its directory, whose name tells the version.
    pub(crate) fn of(package: &Path) -> Option<Self> {
        let version = package.file_name()?.to_string_lossy();
        Some(Self {
            place: package
                .with_file_name("templates")
                .join(format!("{version}-{RECIPE}")),
        })
    }

    /// Copies the template to `directory`; false when there is none that this user can read.
    pub(crate) fn copy_to(&self, directory: &Path, owner: Option<&Account>) -> bool {
        if !self.place.is_dir() {
            return false;
        }
        if let Err(error) = copy(&self.place, directory, owner) {
            tracing::debug!(%error, place = %self.place.display(), "the template cannot be used");
            let _ = fs::remove_dir_all(directory);
            return false;
        }
        true
    }

    /// Keeps `directory` as the template. Any failure only means that the next start prepares its own.
    pub(crate) fn keep(&self, directory: &Path) {
        let Some(folder) = self.place.parent() else {
            return;
        };
        let kept = scratch::directory(folder).and_then(|half| {
            copy(directory, half.path(), None)?;
            fs::rename(half.path(), &self.place)?;
            // It has another name now: nothing is left to remove.
            let _ = half.keep();
            Ok(())
        });
        if let Err(error) = kept {
            tracing::debug!(%error, "no template kept");
        }
    }
}

/// Copies a directory with its permissions, and gives the copy to `owner`.
fn copy(from: &Path, to: &Path, owner: Option<&Account>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, owner)?;
        } else {
            fs::copy(entry.path(), &target)?;
            give(owner, &target)?;
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    give(owner, to)
}

fn give(owner: Option<&Account>, path: &Path) -> io::Result<()> {
    owner.map_or(Ok(()), |account| account.own(path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_was_kept_is_copied_with_its_permissions() {
        let root = tempfile::tempdir().unwrap();
        let made = root.path().join("made");
        fs::create_dir_all(made.join("inner")).unwrap();
        fs::write(made.join("inner/file"), "content").unwrap();
        fs::set_permissions(made.join("inner"), fs::Permissions::from_mode(0o700)).unwrap();

        let template = Template::of(&root.path().join("server-1.0")).unwrap();
        let copied = root.path().join("copied");
        assert!(!template.copy_to(&copied, None));
        template.keep(&made);
        assert!(template.copy_to(&copied, None));
        assert_eq!(
            fs::read_to_string(copied.join("inner/file")).unwrap(),
            "content"
        );
        let mode = fs::metadata(copied.join("inner"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    /// As PostgreSQL and Kafka do on the first start of a machine.
    #[test]
    fn templates_kept_side_by_side_do_not_mix() {
        let root = tempfile::tempdir().unwrap();
        let servers = ["one-1.0", "two-1.0"];
        for server in servers {
            let made = root.path().join(server).join("made");
            fs::create_dir_all(&made).unwrap();
            for number in 0..200 {
                fs::write(made.join(format!("{server}-{number}")), server).unwrap();
            }
        }
        std::thread::scope(|scope| {
            for server in servers {
                let package = root.path().join(server);
                scope.spawn(move || {
                    Template::of(&package).unwrap().keep(&package.join("made"));
                });
            }
        });
        for server in servers {
            let copied = root.path().join(server).join("copied");
            let template = Template::of(&root.path().join(server)).unwrap();
            assert!(template.copy_to(&copied, None), "{server} was not kept");
            let names: Vec<String> = fs::read_dir(&copied)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            assert_eq!(names.len(), 200, "{server}");
            assert!(names.iter().all(|name| name.starts_with(server)));
        }
        let folder = fs::read_dir(root.path().join("templates")).unwrap();
        assert_eq!(folder.count(), 2, "no half is left");
    }
}
