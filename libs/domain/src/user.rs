//! A user's names.

use std::fmt;

use crate::text::{TextError, check};

/// The unique name in a profile's address: 3 to 64 of `a-z`, `0-9`, `_` and `.`; upper case is folded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Handle(String);

impl Handle {
    /// Shortest handle, in characters.
    pub const MIN_CHARS: usize = 3;
    /// Longest handle, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Folds ASCII upper case and checks the form.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        let mut text = text.into();
        check(&text, Self::MAX_CHARS)?;
        text.make_ascii_lowercase();
        if text.len() < Self::MIN_CHARS {
            return Err(TextError::Form("must have at least 3 characters"));
        }
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
        if !text.chars().all(allowed) {
            return Err(TextError::Form(
                "may contain only letters a-z, digits, `_` and `.`",
            ));
        }
        Ok(Self(text))
    }

    /// The folded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name shown to people: 1 to 100 characters of any script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// Takes 1 to [`Self::MAX_CHARS`] characters, not all white space, without U+0000.
    ///
    /// # Errors
    /// Says which limit the text breaks.
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        check(&text, Self::MAX_CHARS)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_folded_and_checked() {
        assert_eq!(Handle::parse("Ada_L").unwrap().as_str(), "ada_l");
        for bad in ["", "ab", "with space", "ümlaut", "a\0bc", &"a".repeat(65)] {
            assert!(Handle::parse(bad).is_err(), "{bad}");
        }
    }
}
