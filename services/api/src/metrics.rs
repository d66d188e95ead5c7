//! The names of the API's metrics.

/// Requests answered, by `route` (template), `method` and `status`.
pub const REQUESTS: &str = "nova_api_requests_total";

/// How long the answers took, by `route`, `method` and `status`.
pub const REQUEST_SECONDS: &str = "nova_api_request_duration_seconds";

/// Requests being served now.
pub const IN_FLIGHT: &str = "nova_api_requests_in_flight";

/// Requests refused to protect the service, by `reason`: `overloaded`, `rate`, `timeout`.
pub const SHED: &str = "nova_api_requests_shed_total";

/// Events taken, by `type`.
pub const EVENTS: &str = "nova_api_events_accepted_total";

/// Open connections.
pub const CONNECTIONS: &str = "nova_api_connections";
