//! Whether an answer is a page of a feed.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use anyhow::ensure;
use nova_domain::PostId;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::PAGE;

/// What every page has, whoever answers it.
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Item>,
    #[serde(default)]
    degraded: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Item {
    post_id: PostId,
}

/// What was checked.
#[derive(Debug, Default)]
pub(crate) struct Checks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    pages: u64,
    posts: HashSet<PostId>,
}

impl Checks {
    /// Reads an answer whole; its posts, and whether it lacks something.
    ///
    /// # Errors
    /// What is wrong with it, without ids.
    pub(crate) fn page(&self, body: &[u8]) -> Result<(Vec<PostId>, bool), String> {
        let page: Page =
            serde_json::from_slice(body).map_err(|_| "an answer that is no page".to_owned())?;
        let posts: Vec<PostId> = page.items.iter().map(|item| item.post_id).collect();
        if posts.len() != PAGE {
            return Err(format!("{} posts instead of {PAGE}", posts.len()));
        }
        let distinct: HashSet<PostId> = posts.iter().copied().collect();
        if distinct.len() != posts.len() {
            return Err("a post twice on a page".to_owned());
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.pages += 1;
        state.posts.extend(distinct);
        Ok((posts, !page.degraded.is_empty()))
    }

    /// Notes an answer that was checked otherwise.
    pub(crate) fn noted(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.pages += 1;
    }

    /// Whether every post that was answered exists; how many answers were read whole, and posts were on them.
    ///
    /// # Errors
    /// When one does not exist, nothing was checked, or PostgreSQL does not answer.
    pub(crate) async fn finish(&self, pool: &PgPool) -> anyhow::Result<(u64, usize)> {
        let (pages, posts) = {
            let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let posts: Vec<Uuid> = state.posts.iter().map(|post| post.uuid()).collect();
            (state.pages, posts)
        };
        ensure!(pages > 0, "no answer was checked");
        let found: i64 = sqlx::query_scalar(include_str!("sql/existing.sql"))
            .bind(&posts)
            .fetch_one(pool)
            .await?;
        ensure!(
            usize::try_from(found)? == posts.len(),
            "of {} posts that were answered, {found} exist",
            posts.len()
        );
        Ok((pages, posts.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: impl Iterator<Item = u128>, rest: &str) -> String {
        let items = ids.map(|id| format!(r#"{{"post_id":"{}","score":1}}"#, Uuid::from_u128(id)));
        let items: Vec<String> = items.collect();
        format!(r#"{{"items":[{}]{rest}}}"#, items.join(","))
    }

    #[test]
    fn a_page_is_twenty_different_posts() {
        let checks = Checks::default();
        let good = page(0..20, "");
        assert_eq!(checks.page(good.as_bytes()).unwrap().0.len(), 20);
        assert!(!checks.page(good.as_bytes()).unwrap().1);
        let lacks = page(0..20, r#","degraded":["seen"]"#);
        assert!(checks.page(lacks.as_bytes()).unwrap().1);
        let wrong = |text: &str| checks.page(text.as_bytes()).unwrap_err();
        assert_eq!(wrong(&page(0..19, "")), "19 posts instead of 20");
        assert_eq!(
            wrong(&page((0..19).chain([0]), "")),
            "a post twice on a page"
        );
        assert_eq!(wrong("{"), "an answer that is no page");
        let state = checks.0.lock().unwrap();
        assert_eq!((state.pages, state.posts.len()), (3, 20));
    }
}
