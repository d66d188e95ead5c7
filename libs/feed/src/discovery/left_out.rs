//! What suggestions had to do without.

use std::fmt;

use serde::{Serialize, Serializer};

/// What suggested users had to do without. In an answer: `source:engaged`, `source:similar`, `source:popular` (ClickHouse)
/// or `cache` (Redis).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// The authors whom the viewer interacts with.
    Engaged,
    /// Whom those follow who like what the viewer likes.
    Similar,
    /// The most followed users, as ClickHouse counts them.
    Popular,
    /// The list kept in Redis, and what the viewer did lately.
    Cache,
}

impl LeftOut {
    /// Every word there is.
    pub const ALL: &'static [Self] = &[Self::Engaged, Self::Similar, Self::Popular, Self::Cache];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Engaged => "source:engaged",
            Self::Similar => "source:similar",
            Self::Popular => "source:popular",
            Self::Cache => "cache",
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for LeftOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for LeftOut {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("What the answer had to do without."))
            .enum_values(Some(Self::ALL.iter().map(|word| word.as_str())))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for LeftOut {}
