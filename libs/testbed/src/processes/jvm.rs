//! How the two Java servers start.
//!
//! Measured on 2 cores: half of a start is loading classes. A class-data archive, recorded when a server
//! ends in good order for the first time on a machine, brings Kafka from 2.0 s to 1.1 s. The compiler stays
//! whole: `TieredStopAtLevel=1` saves little on top and halves what the servers carry later.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use nova_dist::Installation;

use super::scratch;
use crate::Server;

/// Logs to standard output, which is the server's log file.
pub(crate) const LOG4J: &str = include_str!("log4j2.yaml");

/// A class-data archive of one server for one Java and one class path.
#[derive(Debug, Clone)]
pub(crate) struct ClassArchive {
    shared: PathBuf,
    recorded: PathBuf,
}

impl ClassArchive {
    /// The archive's place beside the jars; other Java, other archive.
    pub(crate) fn of(server: Server, installed: &Installation, directory: &Path) -> Option<Self> {
        let java = installed.java.canonicalize().ok()?;
        let changed = fs::metadata(&java).ok()?.modified().ok()?;
        let changed = changed
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?
            .as_secs();
        let name: String = java
            .to_string_lossy()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        // …/kafka-VERSION/libs: the version is in the archive's name, as an archive of other jars is worthless.
        let kafka = installed.kafka_libs.parent()?;
        let version = kafka.file_name()?.to_string_lossy();
        Some(Self {
            shared: kafka
                .with_file_name("class-archives")
                .join(format!("{server}-{version}{name}-{changed}.jsa")),
            recorded: directory.join("classes.jsa"),
        })
    }

    fn flag(&self) -> OsString {
        let (option, file) = if self.shared.exists() {
            ("-XX:SharedArchiveFile=", &self.shared)
        } else {
            ("-XX:ArchiveClassesAtExit=", &self.recorded)
        };
        let mut flag = OsString::from(option);
        flag.push(file);
        flag
    }

    /// Whether the server writes the archive when it ends, which takes it a few seconds.
    pub(crate) fn is_recording(&self) -> bool {
        !self.shared.exists()
    }

    /// Puts a recorded archive in its place. Any failure only means that the next start is slower.
    pub(crate) fn keep(&self) {
        let Some(folder) = self.shared.parent() else {
            return;
        };
        if !self.recorded.exists() || self.shared.exists() {
            return;
        }
        let kept = scratch::file(folder).and_then(|half| {
            fs::copy(&self.recorded, half.path())?;
            Ok(half.persist(&self.shared)?)
        });
        match kept {
            Ok(_) => {
                tracing::debug!(archive = %self.shared.display(), "recorded a class archive");
            }
            Err(error) => tracing::debug!(%error, "no class archive kept"),
        }
    }
}

/// The arguments up to and including the main class.
pub(crate) fn arguments(
    installed: &Installation,
    directory: &Path,
    archive: Option<&ClassArchive>,
    main: &str,
) -> Vec<OsString> {
    let mut log4j = OsString::from("-Dlog4j2.configurationFile=");
    log4j.push(directory.join("log4j2.yaml"));
    let mut arguments: Vec<OsString> = vec![
        "-Xms256m".into(),
        "-Xmx512m".into(),
        // On two cores and half a gigabyte the collectors with threads of their own only cost.
        "-XX:+UseSerialGC".into(),
        "-XX:+ExitOnOutOfMemoryError".into(),
        "-Xshare:auto".into(),
        "-Djava.awt.headless=true".into(),
        log4j,
    ];
    arguments.extend(archive.map(ClassArchive::flag));
    arguments.extend([
        "-cp".into(),
        installed.kafka_classpath().into(),
        main.into(),
    ]);
    arguments
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_recorded_archive_is_kept_for_everybody() {
        let root = tempfile::tempdir().unwrap();
        let archive = ClassArchive {
            shared: root.path().join("class-archives/kafka.jsa"),
            recorded: root.path().join("classes.jsa"),
        };
        archive.keep();
        assert!(archive.is_recording(), "nothing was recorded");

        fs::write(&archive.recorded, "classes").unwrap();
        fs::set_permissions(&archive.recorded, fs::Permissions::from_mode(0o644)).unwrap();
        archive.keep();
        assert!(!archive.is_recording());
        assert_eq!(fs::read_to_string(&archive.shared).unwrap(), "classes");
        let mode = fs::metadata(&archive.shared).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        let folder = fs::read_dir(root.path().join("class-archives")).unwrap();
        assert_eq!(folder.count(), 1, "no half is left");
    }
}
