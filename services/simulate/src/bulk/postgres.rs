//! PostgreSQL's side: table after table, slice after slice.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use nova_domain::TextError;
use nova_social::load::{CopyRows, CopyTable, Load, Loader};
use tokio::task::spawn_blocking;

use super::error::BulkError;
use super::model::Model;
use super::parts::parts;
use super::progress::Progress;

/// Writes what is missing of every table; how long it waited for replication slots.
pub(super) async fn rows(
    loader: &mut Loader,
    load: &mut Load,
    model: &Arc<Model>,
    slice_rows: u64,
    progress: &mut Progress,
) -> Result<Duration, BulkError> {
    let mut waited = Duration::ZERO;
    for table in CopyTable::ALL {
        let model = Arc::clone(model);
        let cut = Arc::clone(&model);
        let slices = spawn_blocking(move || slices(&cut, table, slice_rows)).await?;
        let mut left = slices.into_iter().skip(load.done(table) as usize);
        let mut step = progress.begin(table.name(), total(&model, table));
        // The next slice is made while PostgreSQL takes this one.
        let make = |range: Range<u32>| {
            let model = Arc::clone(&model);
            spawn_blocking(move || encode(&model, table, range))
        };
        let mut next = left.next().map(&make);
        while let Some(made) = next {
            let slice = made.await??;
            next = left.next().map(&make);
            waited += loader.slice(load, &slice).await?;
            progress.advance(&mut step, slice.rows());
        }
        progress.end(&step);
    }
    Ok(waited)
}

/// The slices of a table: the same for every run of a load. Rows with texts are heavier.
fn slices(model: &Model, table: CopyTable, rows: u64) -> Vec<Range<u32>> {
    let (users, posts) = (model.size().users, model.size().posts);
    let quarter = (rows / 4).max(1);
    match table {
        CopyTable::Users => parts(users, quarter, |_| 1),
        CopyTable::Posts => parts(posts, quarter, |_| 1),
        CopyTable::Follows => parts(users, rows, |user| model.follow_count(user)),
        CopyTable::Likes => parts(posts, rows, |post| model.like_count(post)),
        CopyTable::Comments => parts(posts, rows, |post| model.comment_count(post)),
    }
}

fn encode(model: &Model, table: CopyTable, range: Range<u32>) -> Result<CopyRows, TextError> {
    Ok(match table {
        CopyTable::Users => CopyRows::of(&model.users(range)?),
        CopyTable::Posts => CopyRows::of(&model.posts(range)?),
        CopyTable::Follows => CopyRows::of(&model.follows(range)),
        CopyTable::Likes => CopyRows::of(&model.likes(range)),
        CopyTable::Comments => CopyRows::of(&model.comments(range)?),
    })
}

pub(super) fn total(model: &Model, table: CopyTable) -> u64 {
    let size = model.size();
    match table {
        CopyTable::Users => u64::from(size.users),
        CopyTable::Posts => u64::from(size.posts),
        CopyTable::Follows => size.follows,
        CopyTable::Likes => size.likes,
        CopyTable::Comments => size.comments,
    }
}
