//! SHA-256 of files, and lists of them in the format of `sha256sum`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::DistError;

/// Hash of a string, hexadecimal.
pub(crate) fn sha256_text(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Hash of a file, hexadecimal. About 1 GB/s.
pub(crate) fn sha256_file(path: &Path) -> Result<String, DistError> {
    let mut file = File::open(path).map_err(DistError::io("open", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file
            .read(&mut buffer)
            .map_err(DistError::io("read", path))?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing into a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// File names (relative, `/`-separated) with their hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<String, String>);

impl Sums {
    /// Reads `HASH  NAME` lines.
    pub(crate) fn parse(package: &str, text: &str) -> Result<Self, DistError> {
        let mut sums = BTreeMap::new();
        for (number, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let entry = line
                .split_once("  ")
                .filter(|(hash, name)| {
                    hash.len() == 64
                        && hash.bytes().all(|b| b.is_ascii_hexdigit())
                        && !name.is_empty()
                })
                .ok_or_else(|| DistError::Manifest {
                    package: package.to_owned(),
                    reason: format!("line {} of a SHA-256 list is not `HASH  NAME`", number + 1),
                })?;
            sums.insert(entry.1.to_owned(), entry.0.to_ascii_lowercase());
        }
        Ok(Self(sums))
    }

    /// Hashes all files below a directory. Symbolic links count by their target's text.
    pub(crate) fn of_tree(root: &Path) -> Result<Self, DistError> {
        let mut sums = BTreeMap::new();
        for path in files_below(root)? {
            let meta = fs::symlink_metadata(&path).map_err(DistError::io("look at", &path))?;
            let hash = if meta.is_symlink() {
                let target = fs::read_link(&path).map_err(DistError::io("read the link", &path))?;
                sha256_text(&target.to_string_lossy())
            } else {
                sha256_file(&path)?
            };
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            sums.insert(name, hash);
        }
        Ok(Self(sums))
    }

    /// Names in the list.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Removes a name from the list.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The list as text, one `HASH  NAME` per line.
    pub(crate) fn to_text(&self) -> String {
        self.0.iter().fold(String::new(), |mut out, (name, hash)| {
            // Writing into a String cannot fail.
            let _ = writeln!(out, "{hash}  {name}");
            out
        })
    }

    /// Compares with what was found: same names, same hashes.
    pub(crate) fn expect(&self, package: &str, found: &Self) -> Result<(), DistError> {
        for (name, expected) in &self.0 {
            let Some(actual) = found.0.get(name) else {
                return Err(file_set(package, name, "is pinned but was not delivered"));
            };
            if actual != expected {
                return Err(DistError::Checksum {
                    package: package.to_owned(),
                    file: name.clone(),
                    expected: expected.clone(),
                    actual: actual.clone(),
                });
            }
        }
        match found.0.keys().find(|name| !self.0.contains_key(*name)) {
            None => Ok(()),
            Some(name) => Err(file_set(package, name, "was delivered but is not pinned")),
        }
    }
}

fn file_set(package: &str, file: &str, problem: &'static str) -> DistError {
    DistError::FileSet {
        package: package.to_owned(),
        file: file.to_owned(),
        problem,
    }
}

/// All files and links below a directory, in no particular order.
pub(crate) fn files_below(root: &Path) -> Result<Vec<PathBuf>, DistError> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).map_err(DistError::io("list", &directory))? {
            let entry = entry.map_err(DistError::io("list", &directory))?;
            let kind = entry
                .file_type()
                .map_err(DistError::io("look at", &directory))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn sums(directory: &Path) -> Sums {
        Sums::of_tree(directory).unwrap()
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        assert_eq!(sha256_text("abc"), ABC);
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("sub")).unwrap();
        fs::write(directory.path().join("sub/abc"), "abc").unwrap();
        assert_eq!(
            sums(directory.path()).to_text(),
            format!("{ABC}  sub/abc\n")
        );
    }

    #[test]
    fn a_list_survives_text() {
        let list = Sums::parse("p", &format!("{ABC}  a b.jar\n\n{ABC}  c\n")).unwrap();
        assert_eq!(Sums::parse("p", &list.to_text()).unwrap(), list);
        assert!(
            Sums::parse("p", "abc  short\n")
                .unwrap_err()
                .to_string()
                .contains("line 1")
        );
    }

    #[test]
    fn a_changed_a_missing_and_an_extra_file_are_three_errors() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.jar"), "abc").unwrap();
        let pinned = sums(directory.path());
        pinned.expect("kafka", &sums(directory.path())).unwrap();

        fs::write(directory.path().join("a.jar"), "abd").unwrap();
        let error = pinned.expect("kafka", &sums(directory.path())).unwrap_err();
        assert!(
            matches!(&error, DistError::Checksum { file, expected, .. } if file == "a.jar" && expected == ABC)
        );

        fs::write(directory.path().join("a.jar"), "abc").unwrap();
        fs::write(directory.path().join("b.jar"), "").unwrap();
        let error = pinned.expect("kafka", &sums(directory.path())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "kafka: b.jar was delivered but is not pinned"
        );

        fs::remove_file(directory.path().join("b.jar")).unwrap();
        fs::remove_file(directory.path().join("a.jar")).unwrap();
        let error = pinned.expect("kafka", &sums(directory.path())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "kafka: a.jar is pinned but was not delivered"
        );
    }
}
