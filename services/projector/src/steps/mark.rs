//! Feeds that a new post or a new follow has made stale.

use std::time::Duration;

use chrono::Utc;
use nova_domain::UserId;

use super::{Servers, StepError};
use crate::metrics as names;
use crate::pending::Marks;

const DEADLINE: Duration = Duration::from_secs(5);

/// Marks the followers of the authors, and the viewers; only those of them who are active.
///
/// An author with more followers than the cap marks nobody: their feeds find the post when they are ranked again, at most
/// a minute later.
pub(super) async fn run(servers: &Servers, marks: &Marks) -> Result<(), StepError> {
    let authors: Vec<UserId> = marks.authors.iter().map(|(author, _)| *author).collect();
    let mut viewers: Vec<UserId> = marks.viewers.iter().map(|(viewer, _)| *viewer).collect();
    let limit = servers.fanout_cap.saturating_add(1);
    let followers = servers.olap.followers(&authors, limit, DEADLINE).await?;
    for found in followers.into_values() {
        if found.len() > servers.fanout_cap as usize {
            metrics::counter!(names::FANOUTS_CAPPED).increment(1);
        } else {
            metrics::histogram!(names::FANOUT).record(found.len() as f64);
            viewers.extend(found);
        }
    }
    viewers.sort_unstable();
    viewers.dedup();
    if viewers.is_empty() {
        return Ok(());
    }
    let now = Utc::now().timestamp_millis();
    let marked = servers.cache.mark_stale(&viewers, now).await?;
    metrics::counter!(names::MARKED_STALE).increment(marked as u64);
    Ok(())
}
