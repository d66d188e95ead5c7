//! The outermost layer: the request's id, problem documents, metrics, the log.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::context::{REQUEST_ID, RequestContext};
use super::headers;
use crate::metrics;
use crate::problem::{self, Problem};

/// Requests that went well and took no longer are logged as `debug`: a line for each of hundreds a second costs more than
/// the page it tells of, and metrics count them. The service level of a cached feed.
const SLOW: Duration = Duration::from_millis(150);

/// Runs the request and accounts for it.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = RequestContext::of(request.headers());
    request.extensions_mut().insert(context.clone());
    let method = method_label(request.method());
    // The template, never the path: ids would make a series each.
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map_or("none", MatchedPath::as_str);

    let mut response = {
        let _in_flight = InFlight::enter();
        next.run(request).await
    };
    let problem = problem::write(&mut response, context.id());
    headers::set(response.headers_mut());
    if let Some(id) = context.header() {
        response.headers_mut().insert(REQUEST_ID, id);
    }

    let (status, took) = (response.status(), started.elapsed());
    count(route, method, status, took);
    log(&context, route, method, status, took, problem.as_deref());
    response
}

/// Counts down also when the client hangs up and the request is dropped.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        ::metrics::gauge!(metrics::IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        ::metrics::gauge!(metrics::IN_FLIGHT).decrement(1.0);
    }
}

fn count(route: &str, method: &'static str, status: StatusCode, took: Duration) {
    let labels = [
        ("route", route.to_owned()),
        ("method", method.to_owned()),
        ("status", status.as_str().to_owned()),
    ];
    ::metrics::counter!(metrics::REQUESTS, &labels).increment(1);
    ::metrics::histogram!(metrics::REQUEST_SECONDS, &labels).record(took.as_secs_f64());
}

fn log(
    context: &RequestContext,
    route: &str,
    method: &'static str,
    status: StatusCode,
    took: Duration,
    problem: Option<&Problem>,
) {
    let request_id = context.id();
    let user = context.viewer().map(tracing::field::display);
    let ms = took.as_secs_f64() * 1_000.0;
    let problem_type = problem.map(|p| p.kind().uri());
    let cause = problem
        .and_then(Problem::cause)
        .map(|cause| chain(&**cause));
    let status = status.as_u16();
    if status == 500 {
        tracing::error!(target: "nova_api::access", request_id, method, route, status, ms, user, problem_type, cause);
    } else if cause.is_some() {
        tracing::warn!(target: "nova_api::access", request_id, method, route, status, ms, user, problem_type, cause);
    } else if status >= 400 || took >= SLOW {
        tracing::info!(target: "nova_api::access", request_id, method, route, status, ms, user, problem_type);
    } else {
        tracing::debug!(target: "nova_api::access", request_id, method, route, status, ms, user);
    }
}

/// An error and what caused it, on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}

/// A method can be any word; a label cannot.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
