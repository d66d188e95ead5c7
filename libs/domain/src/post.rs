//! A post and what may be said about one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::{Caption, TextError};

/// The longest video, in milliseconds (one hour).
pub const MAX_DURATION_MS: u32 = 3_600_000;

/// A word that is none of the allowed ones.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be one of {allowed}, not `{given}`")]
pub struct ParseVariantError {
    pub(crate) allowed: &'static str,
    pub(crate) given: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? } $allowed:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in JSON, PostgreSQL, Kafka and ClickHouse alike.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::post::ParseVariantError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::post::ParseVariantError {
                        allowed: $allowed,
                        given: text.chars().take(64).collect(),
                    }),
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Who may see a post. The author always may.
    Visibility {
        /// Everybody.
        Public = "public",
        /// Followers of the author.
        Followers = "followers",
        /// Nobody else.
        Private = "private",
    } "public, followers, private"
}

impl Visibility {
    /// Whether everybody who may see a post with `other` may see it with this one.
    #[must_use]
    pub const fn shows_to_all_of(self, other: Self) -> bool {
        match self {
            Self::Public => true,
            Self::Followers => !matches!(other, Self::Public),
            Self::Private => matches!(other, Self::Private),
        }
    }
}

words! {
    /// What `media_url` points at.
    MediaType {
        /// A video; `duration_ms` is its length.
        Video = "video",
        /// A still picture.
        Image = "image",
    } "video, image"
}

/// An absolute `http` or `https` URL of at most 2,048 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaUrl(String);

impl MediaUrl {
    /// Longest URL, in bytes.
    pub const MAX_BYTES: usize = 2_048;

    /// The URL as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MediaUrl {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('\0') {
            return Err(TextError::Nul);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(TextError::TooLong {
                limit: Self::MAX_BYTES,
                length: text.len(),
            });
        }
        // `Url::parse` repairs what it is given: it trims, drops tabs and supplies slashes. What is stored is the text.
        let literal = text.starts_with("http://") || text.starts_with("https://");
        let clean = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        match url::Url::parse(text) {
            Ok(url) if literal && clean && url.has_host() => Ok(Self(text.to_owned())),
            _ => Err(TextError::Form("must be an absolute http or https URL")),
        }
    }
}

impl fmt::Display for MediaUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an author hands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPost {
    /// The text under the video.
    pub caption: Caption,
    /// Where the media is; Nova stores no media itself.
    pub media_url: MediaUrl,
    /// Kind of media.
    pub media_type: MediaType,
    /// Length in milliseconds, 0 to [`MAX_DURATION_MS`]; 0 for a picture.
    pub duration_ms: u32,
    /// Who may see it.
    pub visibility: Visibility,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for v in Visibility::ALL {
            assert_eq!(v.as_str().parse::<Visibility>().as_ref(), Ok(v));
            // They are declared from the widest on.
            for other in Visibility::ALL {
                assert_eq!(v.shows_to_all_of(*other), v <= other, "{v} {other}");
            }
            assert_eq!(serde_json::to_value(v).unwrap(), v.as_str());
        }
        assert_eq!(
            "everyone".parse::<Visibility>().unwrap_err().to_string(),
            "must be one of public, followers, private, not `everyone`"
        );
    }

    #[test]
    fn a_media_url_is_absolute_http() {
        assert!("https://media.example/v/1.mp4".parse::<MediaUrl>().is_ok());
        for bad in [
            "",
            "/v/1.mp4",
            "ftp://media.example/1",
            " https://media.example/1",
            "https:media.example/1",
            "https://media.example/\t1",
            "javascript:alert(1)",
            "https://a/\0",
        ] {
            assert!(bad.parse::<MediaUrl>().is_err(), "{bad}");
        }
    }
}
