//! A post that a source proposes for a feed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{PostId, UserId};
use crate::post::words;

words! {
    /// Where a candidate comes from. The order is the priority: F1 follow > F2 trending > F3 affinity.
    Source {
        /// F1: posts of followed authors.
        Follow = "follow",
        /// F2: the most engaging posts of everybody.
        Trending = "trending",
        /// F3: posts of the authors the viewer interacted with most.
        Affinity = "affinity",
    } "follow, trending, affinity"
}

/// A post proposed by one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
}

/// A set of sources, listed in order of priority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SourceSet(u8);

impl SourceSet {
    /// The set of one.
    #[must_use]
    pub const fn of(source: Source) -> Self {
        Self(1 << source as u8)
    }

    /// Adds a source.
    pub const fn insert(&mut self, source: Source) {
        self.0 |= 1 << source as u8;
    }

    /// Whether the source is in the set.
    #[must_use]
    pub const fn contains(self, source: Source) -> bool {
        self.0 & (1 << source as u8) != 0
    }

    /// The sources, highest priority first.
    pub fn iter(self) -> impl Iterator<Item = Source> {
        Source::ALL
            .iter()
            .copied()
            .filter(move |s| self.contains(*s))
    }

    /// The source of highest priority; none for the empty set.
    #[must_use]
    pub fn primary(self) -> Option<Source> {
        self.iter().next()
    }
}

impl FromIterator<Source> for SourceSet {
    fn from_iter<T: IntoIterator<Item = Source>>(sources: T) -> Self {
        let mut set = Self::default();
        for source in sources {
            set.insert(source);
        }
        set
    }
}

impl Serialize for SourceSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_lists_its_sources_by_priority() {
        let set: SourceSet = [Source::Affinity, Source::Follow].into_iter().collect();
        assert_eq!(set.primary(), Some(Source::Follow));
        assert_eq!(
            serde_json::to_string(&set).unwrap(),
            r#"["follow","affinity"]"#
        );
        assert_eq!(SourceSet::default().primary(), None);
    }
}
