//! The document as it is committed and served.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;

use crate::openapi::openapi_json;
use crate::tests::harness::{app, send};

/// `NOVA_WRITE_OPENAPI=1` writes it instead.
#[test]
fn the_committed_document_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let generated = openapi_json();
    if std::env::var_os("NOVA_WRITE_OPENAPI").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let first = committed
        .lines()
        .zip(generated.lines())
        .find(|(a, b)| a != b);
    assert!(
        committed == generated,
        "docs/openapi.json is not what the handlers say; run `nova openapi > docs/openapi.json`; first difference \
         (committed, generated): {first:?}"
    );
}

#[tokio::test]
async fn the_document_is_served_without_a_token() {
    let request = Request::get("/api/v1/openapi.json").body(Body::empty());
    let answer = send(&app(), request.unwrap()).await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(answer.body["openapi"], "3.1.0");
    assert_eq!(
        answer.body,
        serde_json::from_str::<Value>(&openapi_json()).unwrap()
    );
}
