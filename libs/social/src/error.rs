//! What can go wrong in the social graph.

use sqlx::error::DatabaseError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum SocialError {
    /// The thing does not exist, is deleted, or may not be seen by the one who asks.
    #[error("{what} not found")]
    NotFound {
        /// `user`, `post` or `comment`.
        what: &'static str,
    },
    /// Nobody follows or blocks themselves.
    #[error("a user cannot follow or block themselves")]
    SelfReference,
    /// Whoever asks has no profile yet.
    #[error("the viewer has no profile")]
    UnknownUser,
    /// Another user has the handle.
    #[error("the handle is taken")]
    HandleTaken,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyConflict,
    /// PostgreSQL cannot be reached, is overloaded, or did not answer in time. Trying again is safe.
    #[error("PostgreSQL is unavailable")]
    Unavailable(#[source] BoxError),
    /// PostgreSQL refused what should have been right.
    #[error("PostgreSQL refused")]
    Database(#[source] sqlx::Error),
}

impl SocialError {
    pub(crate) const USER: Self = Self::NotFound { what: "user" };
    pub(crate) const POST: Self = Self::NotFound { what: "post" };
    pub(crate) const COMMENT: Self = Self::NotFound { what: "comment" };
}

impl From<sqlx::Error> for SocialError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed => Self::Unavailable(error.into()),
            sqlx::Error::Database(database) => match by_constraint(&**database) {
                Some(known) => known,
                None if database.code().is_some_and(|code| is_passing(&code)) => {
                    Self::Unavailable(error.into())
                }
                None => Self::Database(error),
            },
            _ => Self::Database(error),
        }
    }
}

/// The names are those of the migrations.
fn by_constraint(error: &dyn DatabaseError) -> Option<SocialError> {
    match error.constraint()? {
        "users_handle_key" => Some(SocialError::HandleTaken),
        "follows_not_self" | "blocks_not_self" => Some(SocialError::SelfReference),
        "follows_followee_fk" | "blocks_blocked_fk" => Some(SocialError::USER),
        "likes_post_fk" | "comments_post_fk" => Some(SocialError::POST),
        "follows_follower_fk"
        | "blocks_blocker_fk"
        | "posts_author_fk"
        | "likes_user_fk"
        | "comments_user_fk"
        | "idempotency_keys_user_fk" => Some(SocialError::UnknownUser),
        _ => None,
    }
}

/// Whether an SQLSTATE tells of a state that passes: connection (08), transaction rollback (40), resources (53), a lock
/// not granted (55P03), operator intervention, which time-outs are too (57), a server that takes no writes (25006).
fn is_passing(code: &str) -> bool {
    ["08", "40", "53", "57"]
        .iter()
        .any(|class| code.starts_with(class))
        || matches!(code, "55P03" | "25006")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_pass_are_told_from_mistakes() {
        for code in [
            "08006", "40001", "40P01", "53300", "57014", "57P01", "57P03", "55P03", "25006",
        ] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["23505", "42P01", "22021", "XX000", "55000"] {
            assert!(!is_passing(code), "{code}");
        }
    }

    #[test]
    fn a_pool_without_a_free_connection_is_unavailable() {
        let error = SocialError::from(sqlx::Error::PoolTimedOut);
        assert!(matches!(error, SocialError::Unavailable(_)));
        let error = SocialError::from(sqlx::Error::RowNotFound);
        assert!(matches!(error, SocialError::Database(_)));
    }
}
