//! Kinds of keys, by what they begin with.

use serde::Serialize;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A page of a feed as it was answered; lives for a minute.
    Page,
    /// A whole ranking; lives for ten minutes.
    Snapshot,
    /// What is known of an active viewer.
    Viewer,
    /// What a viewer did lately.
    Overlay,
    /// Whom a viewer has blocked.
    Blocks,
    /// Users suggested to a viewer.
    Suggestions,
    /// What a post shows.
    Body,
    /// The counters of a post.
    Counters,
    /// Lists, locks, fences.
    Other,
}

/// The longer of two that begin alike comes first.
const PREFIXES: [(&str, Kind); 8] = [
    ("feed:v1:", Kind::Page),
    ("feed:snapshot:", Kind::Snapshot),
    ("feed:viewer:", Kind::Viewer),
    ("overlay:", Kind::Overlay),
    ("blocks:", Kind::Blocks),
    ("suggest:users:", Kind::Suggestions),
    ("post:body:", Kind::Body),
    ("post:", Kind::Counters),
];

impl Kind {
    /// Of a key as `nova_cache::keys` makes it.
    pub(super) fn of(key: &[u8]) -> Self {
        let found = PREFIXES
            .iter()
            .find(|(prefix, _)| key.starts_with(prefix.as_bytes()));
        found.map_or(Self::Other, |(_, kind)| *kind)
    }

    /// As the tables call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Snapshot => "ranking",
            Self::Viewer => "viewer",
            Self::Overlay => "overlay",
            Self::Blocks => "blocks",
            Self::Suggestions => "suggestions",
            Self::Body => "post: body",
            Self::Counters => "post: counters",
            Self::Other => "other",
        }
    }

    /// Whether there is one for each post.
    #[must_use]
    pub const fn is_of_posts(self) -> bool {
        matches!(self, Self::Body | Self::Counters)
    }
}

#[cfg(test)]
mod tests {
    use nova_cache::keys;
    use nova_domain::{PostId, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_key_of_nova_has_its_kind() {
        let (user, post) = (UserId::new(Uuid::nil()), PostId::new(Uuid::nil()));
        for (key, kind) in [
            (keys::feed_page(user, 0, 20), Kind::Page),
            (keys::snapshot(user, Uuid::nil()), Kind::Snapshot),
            (keys::viewer(user), Kind::Viewer),
            (keys::overlay(user), Kind::Overlay),
            (keys::blocks(user), Kind::Blocks),
            (keys::suggested_users(user), Kind::Suggestions),
            (keys::body(post), Kind::Body),
            (keys::counters(post), Kind::Counters),
            (keys::rank_lock(user), Kind::Other),
            (keys::HOT_POSTS.to_owned(), Kind::Other),
        ] {
            assert_eq!(Kind::of(key.as_bytes()), kind, "{key}");
        }
    }
}
