//! ClickHouse's side of a load beside the change stream.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

use nova_olap::load::{Fact, Staging};
use tokio::task::spawn_blocking;

use super::error::BulkError;
use super::facts;
use super::model::Model;
use super::parts::parts;
use super::progress::Progress;

/// Inserts every fact into staging tables.
pub(super) async fn stage(
    staging: &Staging,
    model: &Arc<Model>,
    version: u64,
    insert_rows: u64,
    progress: &mut Progress,
) -> Result<(), BulkError> {
    let size = *model.size();
    let quarter = (insert_rows / 4).max(1);
    let mut table = Table {
        staging,
        model,
        progress,
    };
    let posts = parts(size.posts, quarter, |_| 1);
    table
        .insert("posts", size.posts.into(), posts, move |model, range| {
            let rows = model.posts(range)?;
            Ok::<_, BulkError>(rows.iter().map(|row| facts::post(row, version)).collect())
        })
        .await?;
    let followers = cut(model, size.users, insert_rows, Model::follow_count).await?;
    table
        .insert("follows", size.follows, followers, move |model, range| {
            let rows = model.follows(range);
            Ok::<_, Infallible>(rows.iter().map(|row| facts::follow(row, version)).collect())
        })
        .await?;
    let liked = cut(model, size.posts, insert_rows, Model::like_count).await?;
    table
        .insert("likes", size.likes, liked, move |model, range| {
            let rows = model.likes(range);
            Ok::<_, Infallible>(rows.iter().map(|row| facts::like(row, version)).collect())
        })
        .await?;
    let discussed = cut(model, size.posts, insert_rows, Model::comment_count).await?;
    table
        .insert("comments", size.comments, discussed, move |model, range| {
            let rows = model.comments(range)?;
            Ok::<_, BulkError>(
                rows.iter()
                    .map(|row| facts::comment(row, version))
                    .collect(),
            )
        })
        .await?;
    let seen = cut(model, size.posts, insert_rows, Model::event_count).await?;
    table
        .insert("events", size.events, seen, move |model, range| {
            let rows = model.events(range);
            Ok::<_, Infallible>(rows.iter().map(facts::event).collect())
        })
        .await
}

async fn cut(
    model: &Arc<Model>,
    indices: u32,
    rows: u64,
    count: fn(&Model, u32) -> u64,
) -> Result<Vec<Range<u32>>, BulkError> {
    let model = Arc::clone(model);
    Ok(spawn_blocking(move || parts(indices, rows, |index| count(&model, index))).await?)
}

struct Table<'a> {
    staging: &'a Staging,
    model: &'a Arc<Model>,
    progress: &'a mut Progress,
}

impl Table<'_> {
    async fn insert<F, E>(
        &mut self,
        name: &'static str,
        all: u64,
        parts: Vec<Range<u32>>,
        facts: impl Fn(&Model, Range<u32>) -> Result<Vec<F>, E> + Send + Copy + 'static,
    ) -> Result<(), BulkError>
    where
        F: Fact + 'static,
        E: Into<BulkError> + Send + 'static,
    {
        let mut step = self.progress.begin(name, all);
        // The next rows are made while ClickHouse takes these.
        let make = |range: Range<u32>| {
            let model = Arc::clone(self.model);
            spawn_blocking(move || facts(&model, range))
        };
        let mut left = parts.into_iter();
        let mut next = left.next().map(make);
        while let Some(made) = next {
            let rows = made.await?.map_err(Into::into)?;
            next = left.next().map(make);
            let count = rows.len() as u64;
            self.staging.insert(rows).await?;
            self.progress.advance(&mut step, count);
        }
        self.progress.end(&step);
        Ok(())
    }
}

impl From<Infallible> for BulkError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
