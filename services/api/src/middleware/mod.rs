//! What surrounds every request, outermost first: [`observe`], a guard against panics, [`protect`].

mod context;
mod headers;
mod observe;
mod panic;
mod protect;

pub(crate) use context::RequestContext;
pub(crate) use observe::observe;
pub(crate) use panic::problem_of_panic;
pub(crate) use protect::protect;
