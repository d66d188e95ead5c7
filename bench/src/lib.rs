//! Nova measured on real servers: beside floors and alternatives ([`alternatives`]), as fast as changes and events arrive
//! ([`ingest`]), and with more of everything ([`growth`]).
//!
//! What it stands on: [`measure`] drives clients and records latencies, [`http`] is one connection of a client,
//! [`process`] tells what servers used meanwhile, [`pipeline`] how far the change stream is, [`report`] shows and saves it.

pub mod alternatives;
mod feed;
pub mod growth;
pub mod http;
pub mod ingest;
mod link;
pub mod measure;
pub mod options;
pub mod pipeline;
pub mod process;
mod quiet;
pub mod report;
pub mod setting;
