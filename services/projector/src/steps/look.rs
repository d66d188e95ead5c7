//! How far ClickHouse has followed.

use std::collections::HashMap;
use std::time::Duration;

use futures::try_join;
use nova_olap::Olap;

use super::StepError;
use crate::pending::FactKey;

const DEADLINE: Duration = Duration::from_secs(2);

/// The version that ClickHouse has of each fact: one question per table, side by side.
pub(super) async fn run(olap: &Olap, keys: &[FactKey]) -> Result<HashMap<FactKey, u64>, StepError> {
    let (mut likes, mut comments) = (Vec::new(), Vec::new());
    let (mut follows, mut posts) = (Vec::new(), Vec::new());
    for key in keys {
        match key {
            FactKey::Like(post, user) => likes.push((*post, *user)),
            FactKey::Comment(post, comment) => comments.push((*post, *comment)),
            FactKey::Follow { follower, followee } => follows.push((*follower, *followee)),
            FactKey::Post { key, .. } => posts.push(*key),
        }
    }
    let (likes, comments, follows, posts) = try_join!(
        olap.seen_likes(&likes, DEADLINE),
        olap.seen_comments(&comments, DEADLINE),
        olap.seen_follows(&follows, DEADLINE),
        olap.seen_posts(&posts, DEADLINE),
    )?;
    let version = |key: &FactKey| match key {
        FactKey::Like(post, user) => likes.get(&(*post, *user)),
        FactKey::Comment(post, comment) => comments.get(&(*post, *comment)),
        FactKey::Follow { follower, followee } => follows.get(&(*follower, *followee)),
        FactKey::Post { key, .. } => posts.get(&key.post),
    };
    Ok(keys
        .iter()
        .filter_map(|key| Some((*key, *version(key)?)))
        .collect())
}
