//! What the errors of the libraries are to a client.

use std::time::Duration;

use nova_feed::discovery::DiscoveryError;
use nova_feed::{FeedError, Unavailable};
use nova_social::SocialError;
use nova_stream::PublishError;

use super::{FieldError, Kind, Problem};

impl From<SocialError> for Problem {
    fn from(error: SocialError) -> Self {
        match error {
            SocialError::NotFound { what } => Self::new(Kind::NotFound).with_detail(match what {
                "user" => "There is no such user.",
                "post" => "There is no such post.",
                "comment" => "There is no such comment, or it is not yours to delete.",
                _ => "There is no such thing.",
            }),
            SocialError::SelfReference => Self::new(Kind::SelfReference),
            SocialError::UnknownUser => Self::new(Kind::ProfileRequired)
                .with_detail("Make one first: PUT /api/v1/users/me."),
            SocialError::HandleTaken => Self::new(Kind::HandleTaken)
                .with_errors(vec![FieldError::at("/handle", "is taken by another user")]),
            SocialError::IdempotencyConflict => Self::new(Kind::IdempotencyConflict)
                .with_detail("Use a new Idempotency-Key for each new request."),
            error @ SocialError::Unavailable(_) => Self::unavailable(error),
            error @ SocialError::Database(_) => Self::internal(error),
        }
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::QueueFull => Self::new(Kind::Overloaded)
                .with_retry_after(Duration::from_secs(2))
                .with_cause(error),
            PublishError::Unavailable(_) => {
                Self::unavailable(error).with_retry_after(Duration::from_secs(5))
            }
            PublishError::Serialise(_) | PublishError::Configuration(_) => Self::internal(error),
        }
    }
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Limit { .. } => Self::parameter("limit", &error),
            FeedError::Cursor(_) => Self::parameter("cursor", &error),
            FeedError::Unavailable(Unavailable::Busy) => Self::new(Kind::Overloaded)
                .with_retry_after(Duration::from_secs(1))
                .with_cause(error),
            FeedError::Unavailable(_) => Self::unavailable(error),
        }
    }
}

impl From<DiscoveryError> for Problem {
    fn from(error: DiscoveryError) -> Self {
        match error {
            DiscoveryError::Limit { .. } => Self::parameter("limit", &error),
            DiscoveryError::Social(error) => error.into(),
            DiscoveryError::Late { .. } => Self::unavailable(error),
        }
    }
}

impl From<nova_domain::ParseIdError> for Problem {
    fn from(error: nova_domain::ParseIdError) -> Self {
        Self::parameter("id", &error)
    }
}
