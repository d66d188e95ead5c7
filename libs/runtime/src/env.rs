//! The environment of a process, read once.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use url::Url;

use crate::endpoints::Endpoints;
use crate::secret::SecretUrl;

/// A variable that is missing or cannot be used. Its text names the variable and never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl ConfigError {
    /// Says what is wrong with a variable.
    pub fn new(variable: &'static str, reason: impl Into<String>) -> Self {
        Self {
            variable,
            reason: reason.into(),
        }
    }
}

/// The variables `NOVA_*`, with the addresses of a running development stack as defaults.
///
/// An empty variable counts as not set, as compose files write it.
#[derive(Debug, Default)]
pub struct Env {
    set: HashMap<String, String>,
    defaults: HashMap<&'static str, String>,
    defaults_from: Option<PathBuf>,
    told: AtomicBool,
}

impl Env {
    /// Names the file that [`Endpoints`] are read from; without it [`Endpoints::DEFAULT_PATH`], if there is one.
    pub const ENDPOINTS: &'static str = "NOVA_ENDPOINTS";

    /// Reads the process's environment, and the endpoints file if there is one.
    ///
    /// # Errors
    /// When a `NOVA_*` variable is not Unicode, or the endpoints file is named but missing, or malformed.
    pub fn from_process() -> Result<Self, ConfigError> {
        let mut set = HashMap::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|n| n.starts_with("NOVA_")) else {
                continue;
            };
            let value = value.into_string().map_err(|_| {
                ConfigError::new("NOVA_*", format!("the value of {name} is not Unicode"))
            })?;
            set.insert(name.to_owned(), value);
        }
        let env = Self {
            set,
            ..Self::default()
        };
        let named = env.explicit(Self::ENDPOINTS).map(PathBuf::from);
        let path = named
            .clone()
            .unwrap_or_else(|| PathBuf::from(Endpoints::DEFAULT_PATH));
        if named.is_none() && !path.exists() {
            return Ok(env);
        }
        let endpoints = Endpoints::load(&path)
            .map_err(|error| ConfigError::new(Self::ENDPOINTS, error.to_string()))?;
        Ok(env.with_endpoints(endpoints, &path))
    }

    /// An environment of these variables only.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            set: pairs
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
            ..Self::default()
        }
    }

    /// Takes these addresses where a variable is not set.
    #[must_use]
    pub fn with_endpoints(mut self, endpoints: Endpoints, from: &Path) -> Self {
        self.defaults = HashMap::from([
            ("NOVA_API_URL", endpoints.api),
            ("NOVA_POSTGRES_URL", endpoints.postgres),
            ("NOVA_REDIS_URL", endpoints.redis),
            ("NOVA_CLICKHOUSE_URL", endpoints.clickhouse),
            ("NOVA_KAFKA_BROKERS", endpoints.kafka),
            ("NOVA_CONNECT_URL", endpoints.connect),
            ("NOVA_AUTH_SECRET", endpoints.auth_secret),
        ]);
        self.defaults_from = Some(from.to_owned());
        self
    }

    /// The value of a variable, or the development stack's.
    #[must_use]
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.explicit(variable)
            .or_else(|| self.default_of(variable))
    }

    /// The value of a variable that was really set.
    #[must_use]
    pub fn explicit(&self, variable: &str) -> Option<&str> {
        self.set
            .get(variable)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }

    /// For configuration that is read by a function: `FeedConfig::from_lookup(env.lookup())`.
    pub fn lookup(&self) -> impl Fn(&str) -> Option<String> + '_ {
        |variable| self.get(variable).map(str::to_owned)
    }

    fn default_of(&self, variable: &str) -> Option<&str> {
        let value = self.defaults.get(variable)?;
        if !self.told.swap(true, Ordering::Relaxed)
            && let Some(path) = &self.defaults_from
        {
            // Not a log line: telemetry may not be set up yet.
            eprintln!(
                "nova: {variable} is not set; using the addresses in {}",
                path.display()
            );
        }
        Some(value)
    }

    /// A variable that has to be there.
    ///
    /// # Errors
    /// When it is not set.
    pub fn required(&self, variable: &'static str) -> Result<&str, ConfigError> {
        self.get(variable)
            .ok_or_else(|| ConfigError::new(variable, "is not set"))
    }

    /// A variable of some type, or `default`.
    ///
    /// # Errors
    /// When its value cannot be parsed.
    pub fn parse_or<T>(&self, variable: &'static str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(text) = self.get(variable) else {
            return Ok(default);
        };
        let refuse =
            |error: T::Err| ConfigError::new(variable, format!("`{}`: {error}", excerpt(text)));
        text.trim().parse().map_err(refuse)
    }

    /// A switch, `on` or `off`, or `default`.
    ///
    /// # Errors
    /// When its value is neither.
    pub fn switch_or(&self, variable: &'static str, default: bool) -> Result<bool, ConfigError> {
        match self.get(variable).map(str::trim) {
            None => Ok(default),
            Some("on") => Ok(true),
            Some("off") => Ok(false),
            Some(other) => Err(ConfigError::new(
                variable,
                format!("must be `on` or `off`, not `{}`", excerpt(other)),
            )),
        }
    }

    /// A number within a range, or `default`.
    ///
    /// # Errors
    /// When its value is not a number, or outside.
    pub fn number_or<T>(
        &self,
        variable: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.get(variable) else {
            return Ok(default);
        };
        match text.trim().parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(ConfigError::new(
                variable,
                format!(
                    "must be a number from {} to {}, not `{}`",
                    range.start(),
                    range.end(),
                    excerpt(text)
                ),
            )),
        }
    }

    /// A duration given in whole milliseconds, or `default`; from 1 ms to one hour.
    ///
    /// # Errors
    /// When its value is not such a number.
    pub fn millis_or(
        &self,
        variable: &'static str,
        default: Duration,
    ) -> Result<Duration, ConfigError> {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        self.number_or(variable, default, 1..=3_600_000)
            .map(Duration::from_millis)
    }

    /// The address of a server, of one of these schemes.
    ///
    /// # Errors
    /// When it is not set, is no URL, or of another scheme. The value is not repeated: it may hold a password.
    pub fn required_url(
        &self,
        variable: &'static str,
        schemes: &[&str],
    ) -> Result<SecretUrl, ConfigError> {
        let text = self.required(variable)?;
        let url = Url::parse(text.trim())
            .map_err(|error| ConfigError::new(variable, format!("is not a URL: {error}")))?;
        if !schemes.contains(&url.scheme()) || !url.has_host() {
            let expected = schemes
                .iter()
                .map(|s| format!("{s}://host"))
                .collect::<Vec<_>>();
            return Err(ConfigError::new(
                variable,
                format!("must start with {}", expected.join(" or ")),
            ));
        }
        Ok(SecretUrl::new(url))
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::from_pairs(pairs.iter().copied())
    }

    fn endpoints() -> Endpoints {
        Endpoints {
            api: "http://127.0.0.1:1".to_owned(),
            admin: "http://127.0.0.1:2".to_owned(),
            postgres: "postgres://nova:x@127.0.0.1:3/nova".to_owned(),
            redis: "redis://127.0.0.1:4".to_owned(),
            clickhouse: "http://nova:x@127.0.0.1:5".to_owned(),
            kafka: "127.0.0.1:6".to_owned(),
            connect: "http://127.0.0.1:7".to_owned(),
            auth_secret: "0123456789abcdef0123456789abcdef".to_owned(),
        }
    }

    #[test]
    fn a_variable_wins_over_the_endpoints_file() {
        let env = env(&[
            ("NOVA_KAFKA_BROKERS", "elsewhere:9092"),
            ("NOVA_CONNECT_URL", ""),
        ])
        .with_endpoints(endpoints(), Path::new(Endpoints::DEFAULT_PATH));
        assert_eq!(env.get("NOVA_KAFKA_BROKERS"), Some("elsewhere:9092"));
        assert_eq!(env.get("NOVA_CONNECT_URL"), Some("http://127.0.0.1:7"));
        assert_eq!(env.explicit("NOVA_CONNECT_URL"), None, "empty is not set");
        assert_eq!(env.get("NOVA_LOG"), None);
    }

    #[test]
    fn errors_name_the_variable() {
        let env = env(&[
            ("NOVA_N", "many"),
            ("NOVA_MS", "0"),
            ("NOVA_URL", "mysql://u:hush@h/db"),
        ]);
        let missing = env.required("NOVA_POSTGRES_URL").unwrap_err();
        assert_eq!(missing.to_string(), "NOVA_POSTGRES_URL: is not set");
        assert_eq!(
            env.number_or("NOVA_N", 5, 1..=9).unwrap_err().to_string(),
            "NOVA_N: must be a number from 1 to 9, not `many`"
        );
        let ms = env
            .millis_or("NOVA_MS", Duration::from_secs(1))
            .unwrap_err();
        assert_eq!(ms.variable, "NOVA_MS");
        let url = env
            .required_url("NOVA_URL", &["postgres", "postgresql"])
            .unwrap_err();
        assert_eq!(
            url.to_string(),
            "NOVA_URL: must start with postgres://host or postgresql://host"
        );
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let env = env(&[]);
        assert_eq!(env.number_or("NOVA_N", 5, 1..=9), Ok(5));
        assert_eq!(
            env.millis_or("NOVA_MS", Duration::from_secs(1)),
            Ok(Duration::from_secs(1))
        );
        assert_eq!(env.parse_or("NOVA_FLAG", true), Ok(true));
    }
}
