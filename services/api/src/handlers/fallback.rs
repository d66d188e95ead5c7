//! What no route takes.

use crate::problem::{Kind, Problem};

/// No such path.
pub(crate) async fn not_found() -> Problem {
    Problem::new(Kind::NotFound).with_detail("There is no such resource.")
}

/// The path is right, the method is not; the `Allow` header says which are.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(Kind::MethodNotAllowed)
}
