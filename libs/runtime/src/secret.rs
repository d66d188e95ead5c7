//! Values that must not reach a log.

use std::fmt;

use url::Url;

const MASK: &str = "***";

/// A password or a key. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// The address of a server, which may hold a password. `Debug` and `Display` mask the password.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Wraps an address.
    #[must_use]
    pub const fn new(url: Url) -> Self {
        Self(url)
    }

    /// The address with its password, for the driver.
    #[must_use]
    pub const fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        if shown.password().is_some() && shown.set_password(Some(MASK)).is_err() {
            return f.write_str(MASK);
        }
        // Drivers also take passwords as query parameters.
        if shown.query().is_some() {
            shown.set_query(Some(MASK));
        }
        fmt::Display::fmt(&shown, f)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let url =
            SecretUrl::new(Url::parse("postgres://nova:hush@db:5432/nova?password=hush").unwrap());
        let secret = Secret::new("hush");
        let shown = format!("{url} {url:?} {secret:?}");
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains("nova:***@db:5432/nova"), "{shown}");
        assert_eq!(secret.expose(), "hush");
    }
}
