//! What can go wrong between a manifest and an installed server.

use std::path::{Path, PathBuf};

/// Why the servers could not be provided.
///
/// Each message names the package and the command, so that it can be repeated by hand.
#[derive(Debug, thiserror::Error)]
pub enum DistError {
    /// The pinned packages are built for one platform only.
    #[error("the pinned packages are for Linux on x86-64 with glibc, this is {os} on {arch}")]
    Platform {
        /// Operating system of this machine.
        os: &'static str,
        /// Its processor architecture.
        arch: &'static str,
    },

    /// Neither `NOVA_CACHE` nor a home directory says where to keep the packages.
    #[error("no place for the package cache: set NOVA_CACHE or HOME")]
    NoCacheDirectory,

    /// Root owns the cache and PostgreSQL, which never runs as root, could not enter it.
    #[error(
        "{} cannot be entered by other users, and PostgreSQL refuses to run as root: \
         choose another directory with NOVA_CACHE, or `chmod a+x` it", .0.display()
    )]
    Unreachable(PathBuf),

    /// A package manager is not installed.
    #[error("{package} needs `{client}`, which is not on this machine: {install}")]
    ClientMissing {
        /// The component that was to be fetched.
        package: String,
        /// The missing program.
        client: String,
        /// What to do about it.
        install: &'static str,
    },

    /// A package manager ended with an error, most often because it is offline.
    #[error("{package}: `{command}` failed ({status}); its last lines:\n{tail}")]
    ClientFailed {
        /// The component that was to be fetched.
        package: String,
        /// The whole command line.
        command: String,
        /// Exit status.
        status: String,
        /// Last lines of its output.
        tail: String,
    },

    /// A package manager said and downloaded nothing for a long time.
    #[error(
        "{package}: `{command}` was stopped after {seconds} s without any progress; its last lines:\n{tail}"
    )]
    ClientStalled {
        /// The component that was to be fetched.
        package: String,
        /// The whole command line.
        command: String,
        /// How long nothing happened.
        seconds: u64,
        /// Last lines of its output.
        tail: String,
    },

    /// A file is not the one that was pinned.
    #[error("{package}: {file} has SHA-256 {actual}, pinned is {expected}; nothing was installed")]
    Checksum {
        /// The component it belongs to.
        package: String,
        /// File name.
        file: String,
        /// Pinned hash, hexadecimal.
        expected: String,
        /// Hash of the file at hand.
        actual: String,
    },

    /// The delivered files are not the pinned set.
    #[error("{package}: {file} {problem}")]
    FileSet {
        /// The component it belongs to.
        package: String,
        /// File name.
        file: String,
        /// In what way the file is one too many or too few.
        problem: &'static str,
    },

    /// A manifest in `infra/dist/packages` cannot be read.
    #[error("{package}: {reason}")]
    Manifest {
        /// The component it belongs to.
        package: String,
        /// What is wrong with it.
        reason: String,
    },

    /// An archive could not be unpacked.
    #[error("{package}: cannot unpack {archive}: {reason}")]
    Unpack {
        /// The component it belongs to.
        package: String,
        /// The archive's file name.
        archive: String,
        /// What the unpacker said.
        reason: String,
    },

    /// There is no Java, or only one that is too old for Kafka.
    #[error(
        "Kafka needs Java {wanted} or newer, found {found}: `just doctor run` says how to install it"
    )]
    Java {
        /// Lowest major version.
        wanted: u32,
        /// What is there.
        found: String,
    },

    /// Another process holds the cache's lock.
    #[error("another process has been filling {} for more than {seconds} s", cache.display())]
    Locked {
        /// The cache.
        cache: PathBuf,
        /// How long this process waited.
        seconds: u64,
    },

    /// Asked for what is there, but something is not.
    #[error("{0} is not installed: run `nova-dist fetch`")]
    NotInstalled(String),

    /// The file system said no.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// The action that failed, as a verb.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },

    /// Several components failed.
    #[error("{}", join(.0))]
    Several(Vec<DistError>),
}

impl DistError {
    /// For `map_err`: the failed action and its file.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

fn join(errors: &[DistError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n\n")
}
