//! What is known about a request, for its log line and its problem document.

use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use nova_domain::UserId;
use uuid::Uuid;

/// The header that carries the id of a request, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken from a client.
const MAX_CHARS: usize = 64;

/// Travels in the extensions of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    id: Arc<str>,
    viewer: Arc<OnceLock<UserId>>,
}

impl RequestContext {
    /// Takes the client's id, if it is one that cannot forge a log line; else makes one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_plain(id));
        let id = given.map_or_else(|| Uuid::now_v7().to_string().into(), Arc::from);
        Self {
            id,
            viewer: Arc::default(),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The id as a header; plain ASCII by construction.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.id).ok()
    }

    /// Remembers whom the token speaks for.
    pub(crate) fn set_viewer(&self, viewer: UserId) {
        // The first one stays; a request has one token.
        let _ = self.viewer.set(viewer);
    }

    pub(crate) fn viewer(&self) -> Option<UserId> {
        self.viewer.get().copied()
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= MAX_CHARS && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(given).unwrap());
        RequestContext::of(&headers).id().to_owned()
    }

    #[test]
    fn a_plain_id_is_kept_and_others_are_replaced() {
        assert_eq!(id_for("trace-1_a.b"), "trace-1_a.b");
        for bad in ["", "two words", "a\"b", &"x".repeat(65)] {
            assert_eq!(id_for(bad).len(), 36, "{bad}");
        }
    }
}
