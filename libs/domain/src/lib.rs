//! Identifiers and validated values of the social network; no I/O.
//!
//! Values are parsed once, at the edge: a [`Caption`] that exists is within its limits, an id of one kind
//! cannot be passed for another. PostgreSQL repeats the limits as check constraints.

mod body;
mod candidate;
mod counts;
mod event;
mod id;
#[cfg(feature = "openapi")]
mod openapi;
mod post;
mod text;
mod user;

pub use body::PostBody;
pub use candidate::{Candidate, Source, SourceSet};
pub use counts::{EventCounts, PostCounts};
pub use event::{ClientEvent, EventType, MAX_CLOCK_AGE_DAYS, MAX_DWELL_MS};
pub use id::{CommentId, EventId, ParseIdError, PostId, UserId, uuid_v7_from_key};
pub use post::{MAX_DURATION_MS, MediaType, MediaUrl, NewPost, ParseVariantError, Visibility};
pub use text::{Caption, CommentBody, TextError};
pub use user::{DisplayName, Handle};
