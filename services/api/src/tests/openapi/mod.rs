//! The document of the API against the code that serves it.

mod committed;
mod examples;
mod form;
mod page;
mod problems;
mod routes;

use super::contract::Contract;
use crate::openapi::openapi_json;

fn contract() -> Contract {
    Contract::new(&openapi_json())
}
