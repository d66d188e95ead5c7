//! The one error type of the server, and how ClickHouse shows an error over HTTP.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::ffi::{FfiError, QueryError};
use crate::ticket::Ticket;

/// ClickHouse's error codes that this server raises itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    UnexpectedEndOfFile = 3,
    CannotReadAllData = 33,
    TooLargeSizeCompressed = 39,
    ChecksumDoesntMatch = 40,
    BadArguments = 36,
    NotImplemented = 48,
    SyntaxError = 62,
    UnknownTypeOfQuery = 78,
    UnknownCompressionMethod = 89,
    UnknownSetting = 115,
    TimeoutExceeded = 159,
    Readonly = 164,
    TooManySimultaneousQueries = 202,
    SocketTimeout = 209,
    QueryIsTooLarge = 229,
    CannotDecompress = 271,
    IntoOutfileNotAllowed = 358,
    QueryWasCancelled = 394,
    TooManyRowsOrBytes = 396,
    AuthenticationFailed = 516,
    UnknownException = 1002,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::UnexpectedEndOfFile => "UNEXPECTED_END_OF_FILE",
            Self::CannotReadAllData => "CANNOT_READ_ALL_DATA",
            Self::TooLargeSizeCompressed => "TOO_LARGE_SIZE_COMPRESSED",
            Self::ChecksumDoesntMatch => "CHECKSUM_DOESNT_MATCH",
            Self::BadArguments => "BAD_ARGUMENTS",
            Self::NotImplemented => "NOT_IMPLEMENTED",
            Self::SyntaxError => "SYNTAX_ERROR",
            Self::UnknownTypeOfQuery => "UNKNOWN_TYPE_OF_QUERY",
            Self::UnknownCompressionMethod => "UNKNOWN_COMPRESSION_METHOD",
            Self::UnknownSetting => "UNKNOWN_SETTING",
            Self::TimeoutExceeded => "TIMEOUT_EXCEEDED",
            Self::Readonly => "READONLY",
            Self::TooManySimultaneousQueries => "TOO_MANY_SIMULTANEOUS_QUERIES",
            Self::SocketTimeout => "SOCKET_TIMEOUT",
            Self::QueryIsTooLarge => "QUERY_IS_TOO_LARGE",
            Self::CannotDecompress => "CANNOT_DECOMPRESS",
            Self::IntoOutfileNotAllowed => "INTO_OUTFILE_NOT_ALLOWED",
            Self::QueryWasCancelled => "QUERY_WAS_CANCELLED",
            Self::TooManyRowsOrBytes => "TOO_MANY_ROWS_OR_BYTES",
            Self::AuthenticationFailed => "AUTHENTICATION_FAILED",
            Self::UnknownException => "UNKNOWN_EXCEPTION",
        }
    }
}

/// A request that failed: ClickHouse's code and its text, without the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryFailure {
    pub(crate) code: u32,
    pub(crate) text: String,
}

impl QueryFailure {
    /// An error that this server raises itself.
    pub(crate) fn new(code: Code, message: impl std::fmt::Display) -> Self {
        let number = code as u32;
        Self {
            code: number,
            text: format!(
                "Code: {number}. DB::Exception: {message}. ({})",
                code.name()
            ),
        }
    }

    /// An error of the engine, which says its code in the text, cleaned of the mark of `ticket`.
    pub(crate) fn engine(text: &str, ticket: &Ticket) -> Self {
        let text = ticket.unmark(text);
        let text = without_version(text.trim());
        match parse_code(text) {
            Some(code) => Self {
                code,
                text: innermost(text, code).to_owned(),
            },
            None => Self::new(Code::UnknownException, text.trim_end_matches('.')),
        }
    }

    /// The same for the two ways in which a query fails.
    pub(crate) fn query(error: QueryError, ticket: &Ticket, limit: usize) -> Self {
        match error {
            QueryError::Engine(text) => Self::engine(&text, ticket),
            QueryError::TooLarge(bytes) => Self::new(
                Code::TooManyRowsOrBytes,
                format_args!(
                    "Limit for result exceeded, max bytes: {limit}, current bytes: {bytes} (add a LIMIT, or start nova-chdb-server with a higher --max-result-bytes)"
                ),
            ),
        }
    }

    pub(crate) fn is(&self, code: Code) -> bool {
        self.code == code as u32
    }

    pub(crate) fn status(&self) -> StatusCode {
        status_of(self.code)
    }

    /// The answer that ClickHouse would give.
    pub(crate) fn into_response(self, version: &str) -> Response<Body> {
        let status = self.status();
        let mut response = Response::new(Body::from(format!(
            "{} (version {version} (chdb))\n",
            self.text
        )));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=UTF-8"),
        );
        headers.insert(EXCEPTION_CODE, HeaderValue::from(self.code));
        response
    }
}

impl From<FfiError> for QueryFailure {
    fn from(error: FfiError) -> Self {
        Self::new(Code::UnknownException, error)
    }
}

/// The header that clients read before the text.
pub(crate) const EXCEPTION_CODE: HeaderName =
    HeaderName::from_static("x-clickhouse-exception-code");

/// The number of `Code: N. …` at the beginning of an engine's message.
fn parse_code(text: &str) -> Option<u32> {
    let rest = text.strip_prefix("Code: ")?;
    rest.split_once('.')?.0.parse().ok()
}

/// An error of an insert ends with the version, which the answer says anyway.
fn without_version(text: &str) -> &str {
    match text.rsplit_once(" (version ") {
        Some((message, version)) if version.ends_with(')') => message,
        _ => text,
    }
}

/// An error of an insert may be wrapped into itself, each time with its code in front, its name behind.
fn innermost(mut text: &str, code: u32) -> &str {
    let prefix = format!("Code: {code}. DB::Exception: ");
    while let Some(inner) = text.strip_prefix(&prefix)
        && inner.starts_with(&prefix)
    {
        text = inner
            .rsplit_once(" (version ")
            .map_or(inner, |(message, _)| message);
    }
    text
}

/// ClickHouse's own mapping with one difference: too many simultaneous queries is 503, since the caller may
/// try again.
fn status_of(code: u32) -> StatusCode {
    match code {
        194 => StatusCode::UNAUTHORIZED,
        192 | 193 | 497 | 512 | 516 => StatusCode::FORBIDDEN,
        6 | 8 | 15 | 25 | 26 | 27 | 36 | 37 | 38 | 41 | 44 | 53 | 62 | 72 | 117 | 123 | 167
        | 168 | 223 | 321 | 376 | 427 | 441 | 675 | 676 => StatusCode::BAD_REQUEST,
        46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 | 152 | 336 | 511 => StatusCode::NOT_FOUND,
        229 => StatusCode::PAYLOAD_TOO_LARGE,
        48 => StatusCode::NOT_IMPLEMENTED,
        76 | 202 | 209 | 439 => StatusCode::SERVICE_UNAVAILABLE,
        381 => StatusCode::LENGTH_REQUIRED,
        159 => StatusCode::REQUEST_TIMEOUT,
        779 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_code_of_an_engine_message() {
        assert_eq!(
            parse_code("Code: 60. DB::Exception: x. (UNKNOWN_TABLE)"),
            Some(60)
        );
        assert_eq!(parse_code("Cannot run a query"), None);
        assert_eq!(parse_code("Code: x. y"), None);
    }

    #[test]
    fn the_version_is_said_once() {
        assert_eq!(
            without_version("Code: 1. x. (NAME) (version 26.7.2.1)"),
            "Code: 1. x. (NAME)"
        );
        assert_eq!(without_version("no (version here"), "no (version here");
    }

    #[test]
    fn nested_errors_are_unwrapped() {
        let once = "Code: 73. DB::Exception: Unknown format x. (UNKNOWN_FORMAT)";
        let thrice = format!(
            "Code: 73. DB::Exception: Code: 73. DB::Exception: {once} (version 26.7.2.1). (UNKNOWN_FORMAT)"
        );
        assert_eq!(innermost(&thrice, 73), once);
        assert_eq!(innermost(once, 73), once);
    }

    #[test]
    fn statuses_are_those_of_clickhouse() {
        let expected = [
            (60, 404),
            (81, 404),
            (62, 400),
            (516, 403),
            (159, 408),
            (48, 501),
            (241, 500),
        ];
        for (code, status) in expected {
            assert_eq!(status_of(code).as_u16(), status, "code {code}");
        }
    }

    #[test]
    fn own_errors_read_like_clickhouse_ones() {
        let failure = QueryFailure::new(Code::Readonly, "no");
        assert_eq!(failure.text, "Code: 164. DB::Exception: no. (READONLY)");
        assert!(failure.is(Code::Readonly));
    }
}
