//! How many of each.

use std::fmt;
use std::str::FromStr;

/// The sizes that have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// 10,000 users, 200,000 posts, 2 M likes: through the change stream in some minutes.
    S,
    /// 200,000 users, 2 M posts, 20 M likes, 20 M follows.
    M,
    /// 1 M users, 10 M posts, 100 M likes, 100 M follows.
    L,
}

/// A word that is no scale.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a scale is S, M or L")]
pub struct ParseScaleError;

impl Scale {
    /// The letter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::M => "M",
            Self::L => "L",
        }
    }

    /// What it stands for. Comments are a tenth of the likes, events as many as likes: a sample of what clients would
    /// report, of which a post's share differs from its share of the likes, so that engagement differs by post.
    #[must_use]
    pub const fn size(self) -> Size {
        match self {
            Self::S => Size {
                users: 10_000,
                posts: 200_000,
                follows: 1_000_000,
                likes: 2_000_000,
                comments: 200_000,
                events: 2_000_000,
            },
            Self::M => Size {
                users: 200_000,
                posts: 2_000_000,
                follows: 20_000_000,
                likes: 20_000_000,
                comments: 2_000_000,
                events: 20_000_000,
            },
            Self::L => Size {
                users: 1_000_000,
                posts: 10_000_000,
                follows: 100_000_000,
                likes: 100_000_000,
                comments: 10_000_000,
                events: 100_000_000,
            },
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scale {
    type Err = ParseScaleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "S" | "s" => Ok(Self::S),
            "M" | "m" => Ok(Self::M),
            "L" | "l" => Ok(Self::L),
            _ => Err(ParseScaleError),
        }
    }
}

/// Rows of each table, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// At least 20.
    pub users: u32,
    /// At least 1.
    pub posts: u32,
    /// At least as many as users, at most a third of what is possible.
    pub follows: u64,
    /// At most a third of what is possible.
    pub likes: u64,
    /// At most a tenth of users for each post.
    pub comments: u64,
    /// At most ten times the users for each post.
    pub events: u64,
}

/// A size that no population of this form has.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("there is no population with {what}")]
pub struct SizeError {
    what: &'static str,
}

impl SizeError {
    pub(super) const FOLLOWS: Self = Self {
        what: "as many follows for as few users",
    };
    pub(super) const ENGAGEMENT: Self = Self {
        what: "as much engagement for as few posts",
    };
}

impl Size {
    /// # Errors
    /// [`SizeError`] when a number is out of the range that its field names.
    pub(super) fn check(&self) -> Result<(), SizeError> {
        let (users, posts) = (u64::from(self.users), u64::from(self.posts));
        let refused = [
            (self.users < 20, "fewer than 20 users"),
            (self.posts == 0, "no posts"),
            (self.follows < users, "fewer follows than users"),
            (
                self.follows > users * (users - 1) / 3,
                "follows of more than a third of all users by all",
            ),
            (
                self.likes > posts * (users - 1) / 3,
                "likes of more than a third of all posts by all",
            ),
            (
                self.comments > posts * users / 10,
                "comments of more than a tenth of all users on every post",
            ),
            (
                self.events > posts * users * 10,
                "more than ten events of every user on every post",
            ),
        ];
        match refused.into_iter().find(|(bad, _)| *bad) {
            Some((_, what)) => Err(SizeError { what }),
            None => Ok(()),
        }
    }
}
