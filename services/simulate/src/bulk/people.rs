//! The users.

use std::ops::Range;

use nova_domain::{DisplayName, Handle, TextError, UserId};
use nova_social::bulk::UserRow;

use super::draw::{Seed, What, uuid_at};
use super::history::Spread;
use super::model::{Model, millis};

/// The ids of all users, ascending. The one thing that a model holds for each.
pub(super) fn ids(seed: &Seed, accounts: &Spread) -> Vec<UserId> {
    (0..accounts.count)
        .map(|index| UserId::new(uuid_at(accounts.at(index), &mut seed.of(What::User, index))))
        .collect()
}

impl Model {
    /// Users, in order of their ids.
    ///
    /// # Errors
    /// None: the texts are within their limits.
    pub fn users(&self, range: Range<u32>) -> Result<Vec<UserRow>, TextError> {
        range
            .map(|index| {
                Ok(UserRow {
                    user_id: self.user(index),
                    handle: Handle::parse(format!("sim{}_{index:07}", self.number))?,
                    display_name: DisplayName::parse(format!("User {index}"))?,
                    created_at: millis(self.accounts.at(index)),
                })
            })
            .collect()
    }
}
