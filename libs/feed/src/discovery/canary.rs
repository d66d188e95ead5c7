//! The users of the freshness probe: real accounts that nobody else is to meet.

use nova_domain::UserId;
use uuid::Uuid;

/// The parts of the probe, each an account of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canary {
    /// Whose feed is watched.
    Viewer,
    /// Who writes the post in it.
    Author,
    /// Who likes that post.
    Liker,
}

impl Canary {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Author, Self::Liker];

    /// The account: derived from the handle, so the same everywhere.
    #[must_use]
    pub fn id(self) -> UserId {
        UserId::new(Uuid::new_v5(&Uuid::NAMESPACE_URL, self.handle().as_bytes()))
    }

    /// Its handle.
    #[must_use]
    pub const fn handle(self) -> &'static str {
        match self {
            Self::Viewer => "nova_canary_viewer",
            Self::Author => "nova_canary_author",
            Self::Liker => "nova_canary_liker",
        }
    }
}

/// The accounts of the probe.
#[must_use]
pub fn ids() -> [UserId; 3] {
    Canary::ALL.map(Canary::id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_are_fixed() {
        assert_eq!(
            ids().map(|id| id.to_string()),
            [
                "a2a0fde2-2083-5ee3-8a88-dcb504abb286",
                "f56e89bd-5253-51f4-aca0-67d56cfcce66",
                "fd6520fa-731a-54df-8d84-b1ea0c7ab7d7",
            ],
            "another id is another account: the old one would be suggested to people"
        );
    }
}
