//! One list from three.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use nova_domain::{Candidate, PostId, Source, SourceSet};

/// A post with every source that proposed it; [`SourceSet::primary`] is the one of highest priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// The post.
    pub candidate: Candidate,
    /// Who proposed it.
    pub sources: SourceSet,
}

/// What each source found. A source that is left out is an empty list.
#[derive(Debug, Clone, Copy, Default)]
pub struct SourceLists<'a> {
    /// F1.
    pub follow: &'a [Candidate],
    /// F2.
    pub trending: &'a [Candidate],
    /// F3.
    pub affinity: &'a [Candidate],
}

impl<'a> SourceLists<'a> {
    /// The list of one source.
    #[must_use]
    pub const fn of(&self, source: Source) -> &'a [Candidate] {
        match source {
            Source::Follow => self.follow,
            Source::Trending => self.trending,
            Source::Affinity => self.affinity,
        }
    }
}

/// Joins the lists, each post once, in order of first appearance: all of F1, then what F2 adds, then what F3 adds.
/// Where the sources disagree about a post, the row of the source of highest priority stands.
#[must_use]
pub fn merge(lists: SourceLists<'_>) -> Vec<Merged> {
    let total = Source::ALL.iter().map(|s| lists.of(*s).len()).sum();
    let mut merged: Vec<Merged> = Vec::with_capacity(total);
    let mut place: HashMap<PostId, usize> = HashMap::with_capacity(total);
    for &source in Source::ALL {
        for candidate in lists.of(source) {
            match place.entry(candidate.post_id) {
                Entry::Occupied(known) => merged[*known.get()].sources.insert(source),
                Entry::Vacant(free) => {
                    free.insert(merged.len());
                    merged.push(Merged {
                        candidate: *candidate,
                        sources: SourceSet::of(source),
                    });
                }
            }
        }
    }
    merged
}
