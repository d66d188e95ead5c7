//! How many of each.

use std::fmt;
use std::str::FromStr;

/// The sizes that have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    S,
    M,
    L,
}

impl Named {
    const ALL: [Self; 3] = [Self::S, Self::M, Self::L];

    const fn letter(self) -> char {
        match self {
            Self::S => 'S',
            Self::M => 'M',
            Self::L => 'L',
        }
    }

    /// Comments are a tenth of the likes, events as many as likes: a sample of what clients would
    /// report, of which a post's share differs from its share of the likes, so that engagement differs by post.
    const fn size(self) -> Size {
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

/// How much is loaded: a size that has a name, several of it, or a part of it, as in `M`, `4M`, `S/10` or `3L/4`. From
/// `S/20` to `L`; of everything so much more or less, so that a user follows, posts and likes about as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    times: u32,
    of: Named,
    part: u32,
}

/// A word that is no scale.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error(
    "a scale is S, M or L, up to {most} of these or a part down to 1/{most}, such as 4M, S/10 or 3L/4, from S/{most} to L",
    most = Scale::MOST
)]
pub struct ParseScaleError;

impl Scale {
    /// 10,000 users, 200,000 posts, 2 M likes: through the change stream in some minutes.
    pub const S: Self = Self::whole(Named::S);
    /// 200,000 users, 2 M posts, 20 M likes, 20 M follows.
    pub const M: Self = Self::whole(Named::M);
    /// 1 M users, 10 M posts, 100 M likes, 100 M follows.
    pub const L: Self = Self::whole(Named::L);

    /// A tenth of S.
    pub const S_10: Self = Self {
        part: 10,
        ..Self::S
    };
    /// A third of S.
    pub const S_3: Self = Self { part: 3, ..Self::S };

    /// The largest number before and behind the letter.
    const MOST: u32 = 20;

    const fn whole(of: Named) -> Self {
        Self {
            times: 1,
            of,
            part: 1,
        }
    }

    /// What it stands for.
    #[must_use]
    pub fn size(self) -> Size {
        let whole = self.of.size();
        let rows = |rows: u64| rows * u64::from(self.times) / u64::from(self.part);
        // At most 20 times 10 M.
        let few = |rows: u32| rows * self.times / self.part;
        Size {
            users: few(whole.users),
            posts: few(whole.posts),
            follows: rows(whole.follows),
            likes: rows(whole.likes),
            comments: rows(whole.comments),
            events: rows(whole.events),
        }
    }

    /// Whether it goes through the change stream: what is larger than S would take hours.
    #[must_use]
    pub fn through_the_stream(self) -> bool {
        self.size().users <= Self::S.size().users
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.times > 1 {
            write!(f, "{}", self.times)?;
        }
        write!(f, "{}", self.of.letter())?;
        if self.part > 1 {
            write!(f, "/{}", self.part)?;
        }
        Ok(())
    }
}

impl FromStr for Scale {
    type Err = ParseScaleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.to_ascii_uppercase();
        let (of, (times, part)) = Named::ALL
            .into_iter()
            .find_map(|named| Some((named, text.split_once(named.letter())?)))
            .ok_or(ParseScaleError)?;
        let times = match times {
            "" => Some(1),
            number => several(number),
        };
        let part = match part {
            "" => Some(1),
            number => number.strip_prefix('/').and_then(several),
        };
        let (times, part) = times.zip(part).ok_or(ParseScaleError)?;
        let scale = Self { times, of, part };
        let users = scale.size().users;
        let range = Self::S.size().users / Self::MOST..=Self::L.size().users;
        range
            .contains(&users)
            .then_some(scale)
            .ok_or(ParseScaleError)
    }
}

/// One is not written, and a number is digits without zeros or a sign before them.
fn several(digits: &str) -> Option<u32> {
    let number = digits.parse().ok()?;
    let plain = !digits.starts_with(['+', '0']);
    (plain && (2..=Scale::MOST).contains(&number)).then_some(number)
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

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::bulk::Model;

    #[test]
    fn a_scale_is_read_as_it_is_written() {
        for text in [
            "S", "M", "L", "S/2", "S/20", "4M", "10S", "3L/4", "L/2", "20L/20",
        ] {
            assert_eq!(text.parse::<Scale>().unwrap().to_string(), text);
        }
        assert_eq!("m".parse(), Ok(Scale::M));
        for text in [
            "", "XL", "S/1", "1S", "0M", "S/21", "S/x", "S/", "M/", "6M", "2L", "3S/0", "2M/2/2",
            "-2M", "+2M/4", "02M", "SS", "MS", "é",
        ] {
            assert_eq!(text.parse::<Scale>(), Err(ParseScaleError), "{text}");
        }
    }

    #[test]
    fn a_part_has_so_much_less_of_everything() {
        let size = "3L/4".parse::<Scale>().unwrap().size();
        assert_eq!(
            (
                size.users,
                size.posts,
                size.follows,
                size.likes,
                size.comments,
                size.events
            ),
            (
                750_000, 7_500_000, 75_000_000, 75_000_000, 7_500_000, 75_000_000
            )
        );
        assert_eq!("5M".parse::<Scale>().unwrap().size(), Scale::L.size());
    }

    #[test]
    fn every_small_part_is_a_population() {
        for text in ["S/20", "S/10", "S/3", "M/20", "2S/3"] {
            let size = text.parse::<Scale>().unwrap().size();
            assert!(Model::new(size, 1, Utc::now()).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_larger_than_s_is_loaded_beside_the_stream() {
        let through = ["S/20", "S", "M/20", "2S", "M", "L"]
            .map(|text| text.parse::<Scale>().unwrap().through_the_stream());
        assert_eq!(through, [true, true, true, false, false, false]);
    }
}
