//! The router, driven without servers. Every server's address is a closed port: whatever is refused with another status
//! than 503 was refused before anything was asked or written.

mod bad_input;
mod bounds;
mod connections;
#[path = "../../tests/common/contract.rs"]
mod contract;
mod documents;
mod harness;
mod openapi;
