//! Rows in the binary format of COPY.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Signature, flags and the length of no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// 2000-01-01, where PostgreSQL counts its microseconds from, in microseconds since 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The tables that can be loaded, in an order in which each refers only to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CopyTable {
    /// `users`.
    Users,
    /// `posts`.
    Posts,
    /// `follows`.
    Follows,
    /// `likes`.
    Likes,
    /// `comments`.
    Comments,
}

impl CopyTable {
    /// All of them, in that order.
    pub const ALL: [Self; 5] = [
        Self::Users,
        Self::Posts,
        Self::Follows,
        Self::Likes,
        Self::Comments,
    ];

    /// Its name in PostgreSQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Posts => "posts",
            Self::Follows => "follows",
            Self::Likes => "likes",
            Self::Comments => "comments",
        }
    }

    /// Whether the publication has it.
    pub(super) const fn is_published(self) -> bool {
        !matches!(self, Self::Users)
    }

    /// The statement that takes its rows.
    pub(super) const fn statement(self) -> &'static str {
        match self {
            Self::Users => include_str!("copy_users.sql"),
            Self::Posts => include_str!("copy_posts.sql"),
            Self::Follows => include_str!("copy_follows.sql"),
            Self::Likes => include_str!("copy_likes.sql"),
            Self::Comments => include_str!("copy_comments.sql"),
        }
    }
}

/// A row that COPY can take. Its fields are those of the table's statement, in that order.
pub trait CopyRow {
    /// Where it goes.
    const TABLE: CopyTable;
    /// How many fields it has.
    const FIELDS: i16;

    /// Writes the fields.
    fn put(&self, fields: &mut Fields<'_>);
}

/// Rows of one table, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRows {
    pub(super) table: CopyTable,
    pub(super) rows: u64,
    pub(super) data: Vec<u8>,
}

impl CopyRows {
    /// Encodes rows. Takes some 30 ns a row of ids and times.
    #[must_use]
    pub fn of<R: CopyRow>(rows: &[R]) -> Self {
        let mut data = Vec::with_capacity(rows.len() * 100 + HEADER.len());
        data.extend_from_slice(HEADER);
        for row in rows {
            data.extend_from_slice(&R::FIELDS.to_be_bytes());
            row.put(&mut Fields(&mut data));
        }
        data.extend_from_slice(&(-1_i16).to_be_bytes());
        Self {
            table: R::TABLE,
            rows: rows.len() as u64,
            data,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }
}

/// The fields of a row that is being written.
#[derive(Debug)]
pub struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    pub(super) fn uuid(&mut self, value: impl Into<Uuid>) -> &mut Self {
        self.bytes(value.into().as_bytes())
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    pub(super) fn integer(&mut self, value: u32) -> &mut Self {
        // PostgreSQL's integers have a sign; the table's check says what is allowed.
        self.bytes(&i32::try_from(value).unwrap_or(i32::MAX).to_be_bytes())
    }

    pub(super) fn time(&mut self, value: DateTime<Utc>) -> &mut Self {
        self.bytes(&(value.timestamp_micros() - EPOCH_MICROS).to_be_bytes())
    }

    pub(super) fn time_or_null(&mut self, value: Option<DateTime<Utc>>) -> &mut Self {
        match value {
            Some(value) => self.time(value),
            None => {
                self.0.extend_from_slice(&(-1_i32).to_be_bytes());
                self
            }
        }
    }

    fn bytes(&mut self, value: &[u8]) -> &mut Self {
        // A field of more than 2 GiB does not exist here: texts have limits.
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }
}

#[cfg(test)]
mod tests {
    use nova_domain::{PostId, UserId};

    use super::*;
    use crate::load::AuthoredLike;

    #[test]
    fn a_row_is_a_count_of_fields_and_each_with_its_length() {
        let like = AuthoredLike {
            post_id: PostId::new(Uuid::from_u128(1)),
            user_id: UserId::new(Uuid::from_u128(2)),
            author_id: UserId::new(Uuid::from_u128(3)),
            created_at: DateTime::from_timestamp_micros(EPOCH_MICROS + 5).unwrap(),
        };
        let copy = CopyRows::of(&[like]);
        assert_eq!((copy.table, copy.rows()), (CopyTable::Likes, 1));
        let mut expected = HEADER.to_vec();
        expected.extend([0, 4]);
        for id in 1..=3_u8 {
            expected.extend([0, 0, 0, 16]);
            expected.extend([0; 15]);
            expected.push(id);
        }
        expected.extend([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5]);
        expected.extend([0xff, 0xff]);
        assert_eq!(copy.data, expected);
    }
}
