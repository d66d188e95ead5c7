//! Where ClickHouse is.

use std::fmt;

use url::Url;

use crate::error::OlapError;

/// Address and credentials of a ClickHouse server's HTTP interface.
#[derive(Clone, PartialEq, Eq)]
pub struct OlapConfig {
    pub(crate) address: Url,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
}

impl OlapConfig {
    /// Reads `http://user:password@host:port/database`; the database is `default` unless the path names one, the user
    /// `default` unless the URL does. User and password may be percent-encoded.
    ///
    /// # Errors
    /// [`OlapError::Address`] when it is not an `http` URL with a host, or names more than a database.
    pub fn from_url(url: &Url) -> Result<Self, OlapError> {
        let mut address = url.clone();
        let unusable = |reason: &'static str| OlapError::Address { reason };
        if url.scheme() != "http" || !url.has_host() {
            return Err(unusable(
                "it must be http://user:password@host:port/database",
            ));
        }
        let database = match url.path().trim_matches('/') {
            "" => "default",
            name if name.contains('/') => {
                return Err(unusable("its path may only name a database"));
            }
            name => name,
        };
        let decode = |text: &str| {
            percent_decode(text)
                .ok_or_else(|| unusable("user or password is not valid percent-encoding"))
        };
        let user = match url.username() {
            "" => "default".to_owned(),
            name => decode(name)?,
        };
        let password = decode(url.password().unwrap_or_default())?;
        let database = database.to_owned();
        // The client takes credentials apart from the address; a refusal here cannot happen for a URL with a host.
        let _ = address.set_username("");
        let _ = address.set_password(None);
        address.set_path("/");
        address.set_query(None);
        Ok(Self {
            address,
            user,
            password,
            database,
        })
    }
}

/// Without the password.
impl fmt::Debug for OlapConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OlapConfig")
            .field("address", &self.address.as_str())
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<OlapConfig, OlapError> {
        OlapConfig::from_url(&text.parse().unwrap())
    }

    #[test]
    fn a_url_carries_everything() {
        let config = parse("http://nova:p%40ss%2Fword@127.0.0.1:8123/social").unwrap();
        assert_eq!(config.address.as_str(), "http://127.0.0.1:8123/");
        assert_eq!(
            (config.user.as_str(), config.password.as_str()),
            ("nova", "p@ss/word")
        );
        assert_eq!(config.database, "social");
        assert!(!format!("{config:?}").contains("word"));
    }

    #[test]
    fn user_and_database_have_defaults() {
        let config = parse("http://127.0.0.1:8123").unwrap();
        assert_eq!(
            (config.user.as_str(), config.database.as_str()),
            ("default", "default")
        );
    }

    #[test]
    fn other_addresses_are_refused() {
        for bad in [
            "https://h:1",
            "tcp://h:9000",
            "http://h:1/a/b",
            "http://a:%zz@h:1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
