//! The page to browse.

use axum::body::Body;
use axum::http::{Request, header};

use crate::tests::harness::{app, send};

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let app = app();
    let get = |uri: &str| Request::get(uri).body(Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(app.clone(), get("/api/v1/docs"))
        .await
        .unwrap();
    assert!(answer.status().is_redirection());
    for file in [
        "",
        "index.css",
        "swagger-initializer.js",
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
    ] {
        let uri = format!("/api/v1/docs/{file}");
        let answer = tower::ServiceExt::oneshot(app.clone(), get(&uri))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{uri}");
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("script-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("http"), "{policy}");
        let body = axum::body::to_bytes(answer.into_body(), 1 << 24)
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&body);
        match file {
            "" => {
                let mut texts = text.split(['"', '\'']);
                let elsewhere = texts.find(|t| t.contains("://") || t.starts_with("//"));
                assert_eq!(elsewhere, None);
                assert!(
                    !text.contains("<script>"),
                    "the policy allows no script in the page"
                );
            }
            "swagger-initializer.js" => {
                assert!(text.contains("/api/v1/openapi.json"), "{text}");
                assert!(text.contains(r#""validatorUrl": "none""#), "{text}");
            }
            _ => {}
        }
    }
    let answer = send(&app, get("/api/v1/docs/no-such-file")).await;
    assert_eq!(answer.status.as_u16(), 404);
}
