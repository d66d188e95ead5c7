//! Routes and operations.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};

use super::contract;
use crate::tests::harness::{ID, app, send};

/// Everything that the code routes is in the document or is a page, and the other way round.
#[tokio::test]
async fn every_route_is_an_operation_and_every_operation_a_route() {
    let (app, contract) = (app(), contract());
    let routed = routes(&format!("{app:?}"));
    assert!(routed.len() > 10, "the router tells its routes: {routed:?}");
    let documented: BTreeSet<&str> = contract.operations().map(|(_, path, _)| path).collect();
    let pages: Vec<_> = routed
        .iter()
        .filter(|path| !documented.contains(path.as_str()))
        .collect();
    for page in &pages {
        // What axum's fallback is made of; no such path is served.
        if page.as_str() == "/" || page.contains("__private__axum") {
            continue;
        }
        assert!(
            PAGES.iter().any(|prefix| page.starts_with(prefix)),
            "{page} is served and not documented"
        );
    }
    for path in documented {
        assert!(routed.contains(path), "{path} is documented and not served");
        let mut methods: BTreeSet<_> = contract
            .operations()
            .filter(|(_, other, _)| *other == path)
            .map(|(method, _, _)| method.to_uppercase())
            .collect();
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        // A method that nobody serves: the answer lists those that are served.
        let request = Request::builder().method("TRACE");
        let request = request.uri(path.replace("{id}", ID));
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), 405, "{path}");
        let allowed = answer.headers[header::ALLOW].to_str().unwrap();
        let allowed: BTreeSet<_> = allowed.split(',').map(|m| m.trim().to_owned()).collect();
        assert_eq!(allowed, methods, "{path}");
    }
}

/// Served for people, not for programs.
const PAGES: [&str; 2] = ["/api/v1/docs", "/console"];

/// The paths of a router, from its debug form: the one place where axum tells them.
fn routes(debug: &str) -> BTreeSet<String> {
    debug
        .split('"')
        .filter(|text| text.starts_with('/'))
        .map(str::to_owned)
        .collect()
}
