//! Clients that read first pages of feeds, and how their answers are checked.

mod check;
mod client;

use std::sync::Arc;

use hyper::header::HeaderValue;
use nova_domain::UserId;
use nova_loadtest::token::Signer;
use redis::aio::MultiplexedConnection;

pub(crate) use check::Checks;
pub(crate) use client::{FIRST_PAGE, FeedClient, Kind, is_hit};

use crate::http::bearer;

/// Posts on a page.
pub(crate) const PAGE: usize = 20;

/// Somebody whose feed is read.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    pub(crate) id: UserId,
    /// A token that is good for the whole run.
    pub(crate) authorization: HeaderValue,
}

impl Viewer {
    /// Signs the token.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn new(id: UserId, signer: &Signer) -> anyhow::Result<Self> {
        Ok(Self {
            id,
            authorization: bearer(&signer.token(id)?)?,
        })
    }
}

/// What all clients of a run have.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) checks: Arc<Checks>,
    pub(crate) redis: MultiplexedConnection,
}
