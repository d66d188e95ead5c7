//! Headers of every answer.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Answers are for one user and one moment, are data and never a page. (TLS, and with it
/// `Strict-Transport-Security`, is the business of whoever terminates it.)
const FIXED: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

pub(crate) fn set(headers: &mut HeaderMap) {
    for (name, value) in FIXED {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}
