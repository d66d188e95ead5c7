//! Finds the Java that runs Kafka and Kafka Connect.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::DistError;

/// Kafka 4 brokers need it.
const WANTED: u32 = 17;

/// `JAVA_HOME`'s java, else the one on `PATH`.
pub(crate) fn find() -> Result<PathBuf, DistError> {
    let home = env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let on_path = env::var_os("PATH").map(|path| {
        env::split_paths(&path)
            .map(|directory| directory.join("java"))
            .collect::<Vec<_>>()
    });
    let mut found = "none".to_owned();
    for java in home
        .into_iter()
        .chain(on_path.unwrap_or_default())
        .filter(|java| java.is_file())
    {
        match major(&java) {
            Some(version) if version >= WANTED => return Ok(java),
            Some(version) => found = format!("{version} at {}", java.display()),
            None => found = format!("{} that tells no version", java.display()),
        }
    }
    Err(DistError::Java {
        wanted: WANTED,
        found,
    })
}

/// Major version, from the `release` file beside the JVM when there is one: asking java itself takes 50 ms.
fn major(java: &Path) -> Option<u32> {
    let real = fs::canonicalize(java).ok()?;
    let release = real.parent()?.parent()?.join("release");
    if let Some(version) = fs::read_to_string(release)
        .ok()
        .as_deref()
        .and_then(quoted_major)
    {
        return Some(version);
    }
    let answer = Command::new(java).arg("-version").output().ok()?;
    quoted_major(&String::from_utf8_lossy(&answer.stderr))
}

/// Both `JAVA_VERSION="17.0.15"` and `openjdk version "17.0.15" …` quote the version.
fn quoted_major(text: &str) -> Option<u32> {
    let line = text
        .lines()
        .find(|line| line.starts_with("JAVA_VERSION=") || line.contains(" version \""))?;
    let version = line.split('"').nth(1)?;
    let mut parts = version.split(['.', '-', '+']);
    match parts.next()?.parse().ok()? {
        // Up to Java 8 the number that counts came second: 1.8.0_292.
        1 => parts.next()?.parse().ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_both_sources() {
        assert_eq!(
            quoted_major("IMPLEMENTOR=\"Debian\"\nJAVA_VERSION=\"17.0.15\"\n"),
            Some(17)
        );
        assert_eq!(
            quoted_major("openjdk version \"21-ea\" 2023-09-19\n"),
            Some(21)
        );
        assert_eq!(quoted_major("java version \"1.8.0_292\"\n"), Some(8));
        assert_eq!(quoted_major("no such thing"), None);
    }
}
