//! Query parameters.

use std::convert::Infallible;
use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use url::form_urlencoded;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::problem::Problem;

/// The parameters of a request's URL. Those that nobody asks for are ignored.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        ))
    }
}

impl Query {
    /// A parameter's value.
    pub(crate) fn get(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut values = self
            .0
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, value)| value.as_str());
        let value = values.next();
        if values.next().is_some() {
            return Err(Problem::parameter(name, "is given more than once"));
        }
        Ok(value)
    }

    /// A whole number within its range, or its default.
    pub(crate) fn number(&self, parameter: &Number) -> Result<u32, Problem> {
        let Some(text) = self.get(parameter.name)? else {
            return Ok(parameter.default);
        };
        match text.parse() {
            Ok(number) if parameter.range.contains(&number) => Ok(number),
            _ => {
                let detail = format!(
                    "must be a whole number from {} to {}",
                    parameter.range.start(),
                    parameter.range.end()
                );
                Err(Problem::parameter(parameter.name, &detail))
            }
        }
    }

    /// Yes or no; no when it is not given.
    pub(crate) fn flag(&self, parameter: &Flag) -> Result<bool, Problem> {
        match self.get(parameter.name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::parameter(parameter.name, "must be true or false")),
        }
    }
}

/// A whole number in a URL. It is read by the same values as it is documented with.
pub(crate) struct Number {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) default: u32,
    pub(crate) range: RangeInclusive<u32>,
}

impl Number {
    pub(crate) fn documented(&self) -> Parameter {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(*self.range.start()))
            .maximum(Some(*self.range.end()))
            .default(Some(self.default.into()));
        optional(self.name, self.description, schema)
    }
}

/// `true` or `false` in a URL.
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

impl Flag {
    pub(crate) fn documented(&self) -> Parameter {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .default(Some(false.into()));
        optional(self.name, self.description, schema)
    }
}

/// A cursor in a URL: what an earlier answer gave, and nothing else.
pub(crate) struct Cursor {
    pub(crate) description: &'static str,
}

impl Cursor {
    pub(crate) const NAME: &'static str = "cursor";

    pub(crate) fn documented(&self) -> Parameter {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        optional(Self::NAME, self.description, schema)
    }
}

fn optional(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Number = Number {
        name: "limit",
        description: "",
        default: 20,
        range: 1..=100,
    };
    const EXPLAIN: Flag = Flag {
        name: "explain",
        description: "",
    };

    fn query(text: &str) -> Query {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Query(pairs.into_owned().collect())
    }

    #[test]
    fn a_number_is_within_its_range_or_left_out() {
        for (text, expected) in [("", 20), ("limit=1", 1), ("limit=100&x=7", 100)] {
            assert_eq!(query(text).number(&LIMIT).unwrap(), expected, "{text}");
        }
        for bad in [
            "limit=",
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=1e1",
            "limit=1&limit=1",
        ] {
            assert!(query(bad).number(&LIMIT).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false() {
        for (text, expected) in [
            ("", false),
            ("explain=false", false),
            ("explain=true", true),
        ] {
            assert_eq!(query(text).flag(&EXPLAIN).unwrap(), expected, "{text}");
        }
        for bad in [
            "explain",
            "explain=1",
            "explain=TRUE",
            "explain=true&explain=true",
        ] {
            assert!(query(bad).flag(&EXPLAIN).is_err(), "{bad}");
        }
    }
}
