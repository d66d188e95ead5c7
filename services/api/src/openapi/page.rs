//! The document as a page to browse and try. Everything it loads comes from this server.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::state::AppState;

/// The page's own scripts and styles, requests to this server, and nothing else. The page sets styles of elements and
/// draws icons from `data:` addresses.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its files.
pub(crate) fn page() -> Router<AppState> {
    let config = Config::from("/api/v1/openapi.json")
        // The default asks a server of the page's makers.
        .validator_url("none")
        .display_operation_id(true)
        .display_request_duration(true)
        .filter(true)
        .try_it_out_enabled(true);
    Router::from(SwaggerUi::new("/api/v1/docs").config(config)).layer(map_response(with_policy))
}

async fn with_policy(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
}
