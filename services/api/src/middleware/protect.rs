//! Bounds on work: how many requests at once, how long each.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::metrics;
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// Refuses at once what would have to wait, and gives up what takes too long.
pub(crate) async fn protect(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_permit) = state.in_flight.try_acquire() else {
        ::metrics::counter!(metrics::SHED, "reason" => "overloaded").increment(1);
        return Problem::new(Kind::Overloaded)
            .with_retry_after(Duration::from_secs(1))
            .into_response();
    };
    match tokio::time::timeout(state.config.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(elapsed) => {
            ::metrics::counter!(metrics::SHED, "reason" => "timeout").increment(1);
            Problem::new(Kind::Timeout)
                .with_retry_after(Duration::from_secs(1))
                .with_cause(elapsed)
                .into_response()
        }
    }
}
