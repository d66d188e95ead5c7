//! The kinds of problems. Their `type` and status are part of the API: clients switch on them.

use axum::http::StatusCode;

macro_rules! kinds {
    ($(#[doc = $doc:literal] $kind:ident = $status:ident $slug:literal $title:literal;)+) => {
        /// What went wrong, as a client can act on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind { $(#[doc = $doc] $kind),+ }

        impl Kind {
            /// Every kind, in declaration order.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$kind),+];

            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status),+ }
            }

            /// The `type` member: a name, never changed and never reused.
            pub(crate) const fn uri(self) -> &'static str {
                match self { $(Self::$kind => concat!("urn:nova:problem:", $slug)),+ }
            }

            /// The last part of the type.
            pub(crate) const fn slug(self) -> &'static str {
                match self { $(Self::$kind => $slug),+ }
            }

            /// What it means, in a sentence.
            pub(crate) fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $doc),+ }.trim()
            }

            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title),+ }
            }
        }
    };
}

kinds! {
    /// A path or query parameter, or a header, is not of its form.
    InvalidParameter = BAD_REQUEST "invalid-parameter" "A parameter is not valid";
    /// The body is not JSON.
    InvalidJson = BAD_REQUEST "invalid-json" "The body is not JSON";
    /// No token, or none that is accepted.
    Unauthorized = UNAUTHORIZED "unauthorized" "A valid bearer token is needed";
    /// The user of the token has to make a profile first.
    ProfileRequired = FORBIDDEN "profile-required" "A profile is needed";
    /// No such route, user, post or comment, or not for this viewer.
    NotFound = NOT_FOUND "not-found" "Not found";
    /// The path is right, the method is not.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method-not-allowed" "The method is not allowed here";
    /// The body did not arrive in time.
    BodyTimeout = REQUEST_TIMEOUT "body-timeout" "The body did not arrive in time";
    /// Another user has the handle.
    HandleTaken = CONFLICT "handle-taken" "The handle is taken";
    /// The body is over the limit.
    BodyTooLarge = PAYLOAD_TOO_LARGE "body-too-large" "The body is too large";
    /// The body is not sent as JSON.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "The media type is not supported";
    /// JSON, but not what is asked for; `errors` says where.
    Validation = UNPROCESSABLE_ENTITY "validation" "The body is not valid";
    /// Nobody follows or blocks themselves.
    SelfReference = UNPROCESSABLE_ENTITY "self-reference" "A user cannot do this to themselves";
    /// The idempotency key was used for another request.
    IdempotencyConflict = UNPROCESSABLE_ENTITY "idempotency-conflict" "The idempotency key belongs to another request";
    /// The user asks too often.
    RateLimited = TOO_MANY_REQUESTS "rate-limited" "Too many requests";
    /// A header of the request is too long, or something else of it that has no kind of its own.
    Refused = BAD_REQUEST "refused" "The request was refused";
    /// A mistake of the service.
    Internal = INTERNAL_SERVER_ERROR "internal" "Something went wrong here";
    /// The service has too much to do.
    Overloaded = SERVICE_UNAVAILABLE "overloaded" "The service is overloaded";
    /// A server that the request needs is not there.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "The service is not available now";
    /// The answer was not ready in time.
    Timeout = SERVICE_UNAVAILABLE "timeout" "The answer was not ready in time";
}

/// In the document of the API: the values of `type`.
impl utoipa::PartialSchema for Kind {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some(
                "What went wrong, as a client can act on it. Never changed and never reused.",
            ))
            .enum_values(Some(Self::ALL.iter().map(|kind| kind.uri())))
            .into()
    }
}

impl utoipa::ToSchema for Kind {
    fn name() -> std::borrow::Cow<'static, str> {
        "ProblemType".into()
    }
}

impl Kind {
    /// The kind for an error that some library answered with.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            status if status.is_client_error() => Self::Refused,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_type_of_its_own() {
        let uris: HashSet<_> = Kind::ALL.iter().map(|k| k.uri()).collect();
        assert_eq!(uris.len(), Kind::ALL.len());
    }

    #[test]
    fn the_types_are_part_of_the_api() {
        let table: Vec<_> = Kind::ALL
            .iter()
            .map(|k| format!("{} {} {}", k.status().as_u16(), k.uri(), k.title()))
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }
}
