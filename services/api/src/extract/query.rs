//! Query parameters.

use std::convert::Infallible;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use url::form_urlencoded;

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

    /// A whole number within a range, or the default.
    pub(crate) fn number<T>(
        &self,
        name: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, Problem>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.get(name)? else {
            return Ok(default);
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => {
                let detail = format!(
                    "must be a whole number from {} to {}",
                    range.start(),
                    range.end()
                );
                Err(Problem::parameter(name, &detail))
            }
        }
    }
}
