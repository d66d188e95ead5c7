//! A panic ends its request, not the connection.

use std::any::Any;

use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that the layer asks for"
)]
pub(crate) fn problem_of_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&'static str>().copied())
        .unwrap_or("no text");
    Problem::internal(format!("a handler panicked: {text}")).into_response()
}
