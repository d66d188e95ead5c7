//! How far times are moved so that the newest becomes now.
//!
//! "Now" moves between two runs, yet a repeated or restarted import must give the same rows. So the first posts of
//! the source are looked up: if an earlier run wrote one of them, its shift is taken over.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use nova_domain::{PostId, UserId};
use nova_social::bulk::{Bulk, BulkError};
use uuid::Uuid;

use crate::input::{Input, ReadError};
use crate::row::{Parsed, Row};

/// How many of the first posts and users are looked up.
const LOOK_UP: usize = 1_000;

/// What one pass over all files found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub newest: Option<DateTime<Utc>>,
    posts: Vec<(PostId, DateTime<Utc>)>,
    users: Vec<(UserId, DateTime<Utc>)>,
}

impl Scan {
    /// Reads everything once.
    pub(crate) fn of(input: &Input) -> Result<Self, ReadError> {
        let mut scan = Self::default();
        let done = Arc::default();
        for stage in input.stages() {
            input.read(stage, &done, &mut |line| {
                if let Parsed::Row(row) = &line.parsed {
                    scan.note(row);
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(scan)
    }

    fn note(&mut self, row: &Row) {
        self.newest = self.newest.max(Some(row.newest_time()));
        match row {
            Row::Post(post) if self.posts.len() < LOOK_UP => {
                self.posts.push((post.post_id, post.created_at));
            }
            Row::User(user) if self.users.len() < LOOK_UP => {
                self.users.push((user.user_id, user.created_at));
            }
            _ => {}
        }
    }

    /// The shift of an earlier run, if one wrote any of the first rows.
    pub(crate) async fn earlier_shift(&self, bulk: &Bulk) -> Result<Option<TimeDelta>, BulkError> {
        let users: Vec<UserId> = self.users.iter().map(|(id, _)| *id).collect();
        let posts: Vec<PostId> = self.posts.iter().map(|(id, _)| *id).collect();
        let stored: HashMap<Uuid, DateTime<Utc>> =
            bulk.created_at(&users, &posts).await?.into_iter().collect();
        let shift = |(id, at): (Uuid, &DateTime<Utc>)| stored.get(&id).map(|stored| *stored - *at);
        let mut posts = self.posts.iter().map(|(id, at)| (id.uuid(), at));
        let mut users = self.users.iter().map(|(id, at)| (id.uuid(), at));
        // Posts tell, where there are any: the age of a user may depend on the options of the import, and users alone
        // may be left of a run without shift that stopped at the first bad post.
        Ok(if self.posts.is_empty() {
            users.find_map(shift)
        } else {
            posts.find_map(shift)
        })
    }

    /// What makes the newest time now.
    pub(crate) fn fresh_shift(&self, now: DateTime<Utc>) -> TimeDelta {
        self.newest
            .map_or_else(TimeDelta::zero, |newest| now.trunc_subsecs(3) - newest)
    }
}
