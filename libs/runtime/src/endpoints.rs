//! `.nova/endpoints.json`: where a running development stack is.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::secret::SecretUrl;

/// The addresses of a stack, written when it is ready and read by whoever wants to use it.
///
/// `api`, `admin` and `connect` are base URLs without path or trailing slash; `kafka` is `host:port`; the URLs of
/// PostgreSQL, Redis and ClickHouse hold user and password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The HTTP API, e.g. `http://127.0.0.1:8080`.
    pub api: String,
    /// Health and metrics of the API's process.
    pub admin: String,
    /// `postgres://user:password@host:port/nova`.
    pub postgres: String,
    /// `redis://host:port`.
    pub redis: String,
    /// `http://user:password@host:port`.
    pub clickhouse: String,
    /// `host:port`.
    pub kafka: String,
    /// The REST interface of Kafka Connect.
    pub connect: String,
    /// The HS256 secret that the API checks tokens with.
    pub auth_secret: String,
}

/// Why the file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file does not hold endpoints.
    #[error("{} does not hold endpoints: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Endpoints {
    /// Where the file is, relative to the directory the stack was started in.
    pub const DEFAULT_PATH: &str = ".nova/endpoints.json";

    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read or is not of this form; the error names the path.
    pub fn load(path: &Path) -> Result<Self, EndpointsError> {
        let text = std::fs::read(path).map_err(|source| EndpointsError::Io {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&text).map_err(|source| EndpointsError::Json {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes the file, readable by its owner only, in one step: a reader sees the old file or the whole new one.
    ///
    /// # Errors
    /// When the directory or the file cannot be written; the error names the path.
    pub fn save(&self, path: &Path) -> Result<(), EndpointsError> {
        let io = |source| EndpointsError::Io {
            path: path.to_owned(),
            source,
        };
        let json = serde_json::to_vec_pretty(self).map_err(|source| EndpointsError::Json {
            path: path.to_owned(),
            source,
        })?;
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(io)?;
        }
        let part = path.with_extension(format!("json.{}", std::process::id()));
        let written = write_private(&part, &json).and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            // The rename's error is the one to tell.
            let _ = std::fs::remove_file(&part);
        }
        written.map_err(io)
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.write_all(b"\n")
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = |text: &str| {
            url::Url::parse(text)
                .map_or_else(|_| "***".to_owned(), |url| SecretUrl::new(url).to_string())
        };
        f.debug_struct("Endpoints")
            .field("api", &self.api)
            .field("admin", &self.admin)
            .field("postgres", &masked(&self.postgres))
            .field("redis", &masked(&self.redis))
            .field("clickhouse", &masked(&self.clickhouse))
            .field("kafka", &self.kafka)
            .field("connect", &self.connect)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn example() -> Endpoints {
        Endpoints {
            api: "http://127.0.0.1:8080".to_owned(),
            admin: "http://127.0.0.1:9090".to_owned(),
            postgres: "postgres://nova:hush@127.0.0.1:5432/nova".to_owned(),
            redis: "redis://:hush@127.0.0.1:6379".to_owned(),
            clickhouse: "http://nova:hush@127.0.0.1:8123".to_owned(),
            kafka: "127.0.0.1:9092".to_owned(),
            connect: "http://127.0.0.1:8083".to_owned(),
            auth_secret: "hush-hush-hush-hush-hush-hush-hush".to_owned(),
        }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/endpoints.json");
        example().save(&path).unwrap();
        example().save(&path).unwrap();
        assert_eq!(Endpoints::load(&path).unwrap(), example());
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "no part file is left");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_secrets() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("endpoints.json");
        example().save(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn errors_name_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("endpoints.json");
        let missing = Endpoints::load(&path).unwrap_err();
        assert!(missing.to_string().contains("endpoints.json"), "{missing}");
        std::fs::write(&path, "{}").unwrap();
        let wrong = Endpoints::load(&path).unwrap_err();
        assert!(matches!(wrong, EndpointsError::Json { .. }));
        assert!(wrong.to_string().contains("missing field `api`"), "{wrong}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", example());
        assert!(!shown.contains("hush"), "{shown}");
    }
}
