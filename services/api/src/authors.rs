//! Who wrote a post, as far as it was asked before: every batch of events asks for the authors of twenty posts, most of
//! which others have seen a moment ago.

use std::collections::{HashMap, HashSet};

use moka::sync::Cache;
use nova_domain::{PostId, UserId};
use nova_social::{Social, SocialError};

/// Posts remembered: some 100 bytes each. What was used least goes first.
const MOST: u64 = 200_000;

/// Authors of posts. A post keeps its author for ever, and its row when it is deleted.
#[derive(Debug)]
pub(crate) struct Authors(Cache<PostId, UserId>);

impl Authors {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MOST))
    }

    /// Who wrote these posts, deleted ones too. Posts that never existed are missing in the answer, and are asked for again the
    /// next time. One question to PostgreSQL for those that are not remembered, none where all are.
    ///
    /// # Errors
    /// When PostgreSQL has to be asked and cannot be reached in time.
    pub(crate) async fn of(
        &self,
        social: &Social,
        posts: HashSet<PostId>,
    ) -> Result<HashMap<PostId, UserId>, SocialError> {
        let mut authors = HashMap::with_capacity(posts.len());
        let mut unknown = Vec::new();
        for post in posts {
            match self.0.get(&post) {
                Some(author) => _ = authors.insert(post, author),
                None => unknown.push(post),
            }
        }
        let found = social.post_authors(&unknown).await?;
        for (post, author) in &found {
            self.0.insert(*post, *author);
        }
        authors.extend(found);
        Ok(authors)
    }
}
