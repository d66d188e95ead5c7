//! Texts people write, within the limits that PostgreSQL checks too.

use std::fmt;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// More characters than the limit.
    #[error("must have at most {limit} characters, has {length}")]
    TooLong {
        /// The limit, in characters.
        limit: usize,
        /// What was given, in characters.
        length: usize,
    },
    /// PostgreSQL's `text` cannot hold U+0000.
    #[error("must not contain the NUL character")]
    Nul,
    /// A character that the field does not take.
    #[error("{0}")]
    Form(&'static str),
}

pub(crate) fn check(text: &str, limit: usize) -> Result<(), TextError> {
    if text.contains('\0') {
        return Err(TextError::Nul);
    }
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    let length = text.chars().count();
    if length > limit {
        return Err(TextError::TooLong { limit, length });
    }
    Ok(())
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $limit:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The longest text allowed, in characters (Unicode scalar values).
            pub const MAX_CHARS: usize = $limit;

            /// Takes a text of 1 to [`Self::MAX_CHARS`] characters, not all of them white space, without U+0000.
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

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// What an author writes under a video.
    Caption, 10_000
}
text! {
    /// The text of a comment.
    CommentBody, 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_characters_not_bytes() {
        assert!(Caption::parse("影".repeat(Caption::MAX_CHARS)).is_ok());
        assert_eq!(
            Caption::parse("a".repeat(Caption::MAX_CHARS + 1)),
            Err(TextError::TooLong {
                limit: Caption::MAX_CHARS,
                length: Caption::MAX_CHARS + 1
            })
        );
        assert_eq!(Caption::parse(" \n\t"), Err(TextError::Empty));
        assert_eq!(Caption::parse("a\0b"), Err(TextError::Nul));
    }
}
