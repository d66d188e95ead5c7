//! `GET` and `POST /`: from a request to the statement in it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{self, FromRequest as _, Multipart};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, header};
use axum::response::IntoResponse as _;

use crate::answer::Answer;
use crate::body::{BodyReader, too_large};
use crate::error::{Code, QueryFailure};
use crate::params::Request;
use crate::server::State;
use crate::sql::{self, Outline};
use crate::ticket::Ticket;
use crate::{insert, query};

/// When this much of a body has come and it is an INSERT, the rest is streamed. ClickHouse's default limit of
/// a query's text without data (`max_query_size`).
const HEAD: usize = 256 << 10;
/// The largest text of other statements; the engine's own limit is reached before, with its own message.
pub(crate) const MAX_TEXT: usize = 16 << 20;

/// Answers a request for `/`.
pub(crate) async fn handle(
    extract::State(state): extract::State<Arc<State>>,
    http: extract::Request,
) -> Response<Body> {
    let ticket = Ticket::new();
    let mut query_id = ticket.id().to_string();
    let answer = answer(&state, http, &ticket, &mut query_id).await;
    let mut response = match answer {
        Ok(Some(answer)) => answer.into_response(),
        Ok(None) => "Ok.\n".into_response(),
        Err(failure) => {
            tracing::info!(
                query = query_id,
                code = failure.code,
                error = failure.text,
                "failed"
            );
            failure.into_response(&state.version)
        }
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&query_id) {
        headers.insert("x-clickhouse-query-id", value);
    }
    headers.insert(
        "x-clickhouse-server-display-name",
        HeaderValue::from_static("nova-chdb-server"),
    );
    headers.insert("x-clickhouse-timezone", state.timezone.clone());
    response
}

/// `None` answers a GET that asks nothing, which is how people and load balancers look whether it is there.
async fn answer(
    state: &State,
    http: extract::Request,
    ticket: &Arc<Ticket>,
    query_id: &mut String,
) -> Result<Option<Answer>, QueryFailure> {
    if ![Method::GET, Method::HEAD, Method::POST].contains(http.method()) {
        return Err(QueryFailure::new(
            Code::NotImplemented,
            format_args!("The HTTP method {} is not supported", http.method()),
        ));
    }
    let (parts, body) = http.into_parts();
    let checked = check(state, &parts, query_id);
    let mut body = BodyReader::new(
        body,
        checked.as_ref().is_ok_and(|it| it.decompress),
        state.limits.max_body_bytes,
        state.limits.receive_timeout,
    );
    let mut request = checked?;
    let mut text = std::mem::take(&mut request.query);
    if is_form(&parts.headers) {
        let form = Body::from(body.all(MAX_TEXT).await?);
        let form = extract::Request::from_parts(parts, form);
        read_form(form, &mut request, &mut text).await?;
        return run(state, request, text, None, ticket).await.map(Some);
    }
    if !text.is_empty() {
        text.push(b'\n');
    }
    // An INSERT whose head is complete in the URL: the whole body is data, in any encoding.
    if sql::outline(&text).insert.is_some() {
        return run(state, request, text, Some(body), ticket)
            .await
            .map(Some);
    }
    let mut looked = false;
    while let Some(piece) = body.next().await? {
        text.extend_from_slice(&piece);
        if text.len() > HEAD && !looked {
            looked = true;
            if sql::outline(&text).insert.is_some() {
                return run(state, request, text, Some(body), ticket)
                    .await
                    .map(Some);
            }
        }
        if text.len() > MAX_TEXT {
            return Err(too_large(MAX_TEXT));
        }
    }
    if text.is_empty() && request.is_get {
        return Ok(None);
    }
    run(state, request, text, None, ticket).await.map(Some)
}

/// What URL and headers ask for, if they may.
fn check(state: &State, parts: &Parts, query_id: &mut String) -> Result<Request, QueryFailure> {
    let request = Request::new(&parts.method, &parts.uri, &parts.headers)?;
    if let Some(chosen) = &request.query_id {
        query_id.clone_from(chosen);
    }
    state
        .credentials
        .check(&parts.headers, request.credentials())?;
    refuse_encoding(&parts.headers)?;
    Ok(request)
}

async fn run(
    state: &State,
    request: Request,
    text: Vec<u8>,
    body: Option<BodyReader>,
    ticket: &Arc<Ticket>,
) -> Result<Answer, QueryFailure> {
    match sql::outline(&text) {
        Outline { empty: true, .. } => Err(QueryFailure::new(
            Code::SyntaxError,
            "Syntax error: Empty query",
        )),
        Outline {
            insert: Some(head), ..
        } => insert::run(state, request, text, head, body, ticket).await,
        outline => query::run(state, request, text, outline, ticket).await,
    }
}

fn refuse_encoding(headers: &HeaderMap) -> Result<(), QueryFailure> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(QueryFailure::new(
            Code::NotImplemented,
            format_args!(
                "Content-Encoding {encoding:?} of a request: send the body plain, or in native blocks with decompress=1"
            ),
        )),
        _ => Ok(()),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it.as_bytes().starts_with(b"multipart/form-data"))
}

/// `query` and `param_*` as fields of a form, which is how the clickhouse crate sends parameters.
async fn read_form(
    http: extract::Request,
    request: &mut Request,
    text: &mut Vec<u8>,
) -> Result<(), QueryFailure> {
    let broken = |error: &dyn std::fmt::Display| {
        QueryFailure::new(
            Code::BadArguments,
            format_args!("Broken multipart/form-data: {error}"),
        )
    };
    let mut form = Multipart::from_request(http, &())
        .await
        .map_err(|error| broken(&error))?;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.bytes().await.map_err(|error| broken(&error))?;
        match name.strip_prefix("param_") {
            Some(name) => request.param(name, value.into()),
            None if name == "query" => text.extend_from_slice(&value),
            None => {
                return Err(QueryFailure::new(
                    Code::NotImplemented,
                    format_args!(
                        "External data (the form field '{name}'): not supported by nova-chdb-server"
                    ),
                ));
            }
        }
    }
    Ok(())
}
