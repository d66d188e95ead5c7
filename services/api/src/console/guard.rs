//! Only the console's own page may use its routes: any other page that the developer has open could reach them as well,
//! and a token for any user is what they hand out.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Console;
use crate::problem::{Kind, Problem};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Names of this machine alone.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Lets through what was sent by the page itself, typed into the address bar, or sent by no browser at all.
pub(super) async fn own_page_only(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    if is_own(request.headers(), &console.config.hosts) {
        next.run(request).await
    } else {
        Problem::new(Kind::Refused)
            .with_detail("The console answers its own page, under its own name, and no other.")
            .into_response()
    }
}

fn is_own(headers: &HeaderMap, hosts: &[String]) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    // A name that others resolve to this address would make their page the same origin.
    let Some(host) = text(header::HOST) else {
        return false;
    };
    let name = name_of(host).to_ascii_lowercase();
    let known = LOOPBACK.contains(&name.as_str()) || hosts.contains(&name);
    let from_here = text(header::ORIGIN).is_none_or(|origin| {
        let own = origin.split_once("://").map(|(_, authority)| authority);
        own.is_some_and(|own| own.eq_ignore_ascii_case(host))
    });
    let same_site = text(FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    known && from_here && same_site
}

/// A host without its port; an IPv6 address keeps its brackets.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn allowed(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        is_own(&headers, &["dev.example".to_owned()])
    }

    #[test]
    fn the_own_page_and_the_command_line_may() {
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "[::1]:8080",
            "Dev.Example:80",
        ] {
            assert!(allowed(&[("host", host)]), "{host}");
        }
        assert!(allowed(&[
            ("host", "localhost:8080"),
            ("origin", "http://localhost:8080"),
            ("sec-fetch-site", "same-origin"),
        ]));
    }

    #[test]
    fn other_pages_may_not() {
        for headers in [
            &[][..],
            &[("host", "evil.example:8080")],
            &[
                ("host", "localhost:8080"),
                ("origin", "https://evil.example"),
            ],
            &[
                ("host", "localhost:8080"),
                ("origin", "http://localhost:9090"),
            ],
            &[("host", "localhost:8080"), ("origin", "null")],
            &[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")],
            &[("host", "localhost:8080"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!allowed(headers), "{headers:?}");
        }
    }
}
