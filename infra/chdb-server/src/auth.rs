//! Who may ask: one user and one password, sent in any of ClickHouse's three ways.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Code, QueryFailure};

/// The user of the server.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password; empty for none.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// Accepts a request, or says why not without telling which half was wrong.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        url: UrlCredentials<'_>,
    ) -> Result<(), QueryFailure> {
        let given = given(headers, url)?;
        // Both are compared whatever the first says, in a time that depends on the lengths alone.
        let user = same(given.user.as_bytes(), self.user.as_bytes());
        let password = same(given.password.as_bytes(), self.password.as_bytes());
        if user & password {
            return Ok(());
        }
        Err(QueryFailure::new(
            Code::AuthenticationFailed,
            format_args!(
                "{}: Authentication failed: password is incorrect, or there is no user with such name",
                given.user
            ),
        ))
    }
}

/// `user` and `password` of the URL.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UrlCredentials<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) password: Option<&'a str>,
}

fn given(headers: &HeaderMap, url: UrlCredentials<'_>) -> Result<Credentials, QueryFailure> {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned())
    };
    let (user, key) = (text("x-clickhouse-user"), text("x-clickhouse-key"));
    let in_headers = user.is_some() || key.is_some();
    let authorization = text(header::AUTHORIZATION.as_str());
    let in_url = url.user.is_some() || url.password.is_some();
    if usize::from(in_headers) + usize::from(authorization.is_some()) + usize::from(in_url) > 1 {
        return Err(QueryFailure::new(
            Code::AuthenticationFailed,
            "Invalid authentication: it is not allowed to use several ways of authentication simultaneously",
        ));
    }
    if let Some(authorization) = authorization {
        return basic(&authorization).ok_or_else(|| {
            QueryFailure::new(
                Code::AuthenticationFailed,
                "Invalid authentication: only the HTTP Authorization scheme Basic is supported",
            )
        });
    }
    Ok(Credentials {
        user: user
            .or_else(|| url.user.map(str::to_owned))
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| "default".to_owned()),
        password: key
            .or_else(|| url.password.map(str::to_owned))
            .unwrap_or_default(),
    })
}

fn basic(authorization: &str) -> Option<Credentials> {
    let (scheme, value) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(Credentials {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

fn same(given: &[u8], expected: &[u8]) -> bool {
    given.len() == expected.len()
        && given
            .iter()
            .zip(expected)
            .fold(0_u8, |all, (a, b)| all | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn nova() -> Credentials {
        Credentials {
            user: "nova".to_owned(),
            password: "s:e cret".to_owned(),
        }
    }

    #[test]
    fn three_ways_lead_in() {
        let basic = format!("Basic {}", STANDARD.encode("nova:s:e cret"));
        let url = UrlCredentials {
            user: Some("nova"),
            password: Some("s:e cret"),
        };
        nova()
            .check(
                &headers(&[("authorization", &basic)]),
                UrlCredentials::default(),
            )
            .unwrap();
        nova()
            .check(
                &headers(&[
                    ("x-clickhouse-user", "nova"),
                    ("x-clickhouse-key", "s:e cret"),
                ]),
                UrlCredentials::default(),
            )
            .unwrap();
        nova().check(&HeaderMap::new(), url).unwrap();
    }

    #[test]
    fn nothing_else_does() {
        let none = UrlCredentials::default();
        let basic = format!("Basic {}", STANDARD.encode("nova:wrong"));
        for given in [
            headers(&[]),
            headers(&[("authorization", &basic)]),
            headers(&[("authorization", "Bearer x")]),
            headers(&[("authorization", "Basic %%%")]),
            headers(&[("x-clickhouse-user", "nova")]),
            headers(&[
                ("x-clickhouse-user", "other"),
                ("x-clickhouse-key", "s:e cret"),
            ]),
        ] {
            assert!(
                nova()
                    .check(&given, none)
                    .unwrap_err()
                    .is(Code::AuthenticationFailed),
                "{given:?}"
            );
        }
        let twice = headers(&[
            ("x-clickhouse-user", "nova"),
            ("x-clickhouse-key", "s:e cret"),
        ]);
        let url = UrlCredentials {
            user: Some("nova"),
            password: Some("s:e cret"),
        };
        assert!(nova().check(&twice, url).is_err());
    }

    #[test]
    fn without_a_password_the_default_user_needs_nothing() {
        let open = Credentials {
            user: "default".to_owned(),
            password: String::new(),
        };
        open.check(&HeaderMap::new(), UrlCredentials::default())
            .unwrap();
        open.check(
            &headers(&[("x-clickhouse-user", "default")]),
            UrlCredentials::default(),
        )
        .unwrap();
        assert!(
            open.check(
                &headers(&[("x-clickhouse-key", "x")]),
                UrlCredentials::default()
            )
            .is_err()
        );
    }
}
