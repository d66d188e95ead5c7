//! Archives into directories.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use zip::ZipArchive;

use crate::component::Component;
use crate::error::DistError;

/// Unpacks a zip (a jar, a wheel).
pub(crate) fn unzip(component: Component, archive: &Path, into: &Path) -> Result<(), DistError> {
    let file = File::open(archive).map_err(DistError::io("open", archive))?;
    let failed = |error: zip::result::ZipError| failure(component, archive, error.to_string());
    ZipArchive::new(file)
        .map_err(failed)?
        .extract(into)
        .map_err(failed)
}

/// Unpacks a compressed tar with the system's `tar`, which knows gzip and xz.
pub(crate) fn untar(component: Component, archive: &Path, into: &Path) -> Result<(), DistError> {
    fs::create_dir_all(into).map_err(DistError::io("create", into))?;
    let mut command = Command::new("tar");
    command
        .arg("-xf")
        .arg(archive)
        .arg("-C")
        .arg(into)
        .arg("--no-same-owner");
    let answer = command
        .output()
        .map_err(|error| failure(component, archive, format!("tar: {error}")))?;
    if answer.status.success() {
        return Ok(());
    }
    Err(failure(
        component,
        archive,
        String::from_utf8_lossy(&answer.stderr).trim().to_owned(),
    ))
}

/// Lets every user read the tree and pass through it, whatever the umask was; nobody but the owner writes.
pub(crate) fn open_to_all(root: &Path) -> Result<(), DistError> {
    let meta = fs::symlink_metadata(root).map_err(DistError::io("look at", root))?;
    if meta.is_symlink() {
        return Ok(());
    }
    let executable = meta.is_dir() || meta.permissions().mode() & 0o100 != 0;
    let mode = Permissions::from_mode(if executable { 0o755 } else { 0o644 });
    fs::set_permissions(root, mode).map_err(DistError::io("set the mode of", root))?;
    if meta.is_dir() {
        for entry in fs::read_dir(root).map_err(DistError::io("list", root))? {
            open_to_all(&entry.map_err(DistError::io("list", root))?.path())?;
        }
    }
    Ok(())
}

fn failure(component: Component, archive: &Path, reason: String) -> DistError {
    let archive = archive
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    DistError::Unpack {
        package: component.label(),
        archive,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_zip_keeps_contents_and_a_broken_one_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("a.jar");
        let mut zip = zip::ZipWriter::new(File::create(&archive).unwrap());
        zip.start_file("sub/x", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"hello").unwrap();
        zip.finish().unwrap();
        unzip(Component::Valkey, &archive, &directory.path().join("out")).unwrap();
        assert_eq!(
            fs::read(directory.path().join("out/sub/x")).unwrap(),
            b"hello"
        );

        fs::write(&archive, "not a zip").unwrap();
        let error = unzip(Component::Valkey, &archive, directory.path()).unwrap_err();
        assert!(matches!(error, DistError::Unpack { archive, .. } if archive == "a.jar"));
    }

    #[test]
    fn a_broken_tar_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("a.txz");
        fs::write(&archive, "not a tar").unwrap();
        let error =
            untar(Component::Postgres, &archive, &directory.path().join("out")).unwrap_err();
        assert!(
            matches!(error, DistError::Unpack { archive, reason, .. } if archive == "a.txz" && !reason.is_empty())
        );
    }

    #[test]
    fn the_tree_opens_to_readers_and_keeps_what_is_executable() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("tree");
        fs::create_dir_all(root.join("bin")).unwrap();
        for (name, mode) in [("bin/run", 0o700), ("data", 0o666)] {
            fs::write(root.join(name), "").unwrap();
            fs::set_permissions(root.join(name), Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(root.join("bin"), Permissions::from_mode(0o700)).unwrap();
        open_to_all(&root).unwrap();
        let mode = |name: &str| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            [mode("bin"), mode("bin/run"), mode("data")],
            [0o755, 0o755, 0o644]
        );
    }
}
