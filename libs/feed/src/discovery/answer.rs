//! The lists as clients read them.

use nova_cache::{Suggestion, SuggestionReason};
use nova_domain::UserId;
use nova_social::UserNames;
use serde::Serialize;

use super::left_out::LeftOut;
use crate::answer::FeedItem;
use crate::trace::Degraded;

/// Where a list comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ListFrom {
    /// From Redis, where a job or an earlier request put it.
    Cache,
    /// Computed for this request.
    Computed,
    /// ClickHouse did not answer: something simpler, or nothing.
    Fallback,
}

impl ListFrom {
    /// The word used in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Computed => "computed",
            Self::Fallback => "fallback",
        }
    }
}

/// Why a user is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReasonKind {
    /// The viewer interacted with their posts.
    Engaged,
    /// Those who like what the viewer likes follow them.
    Similar,
    /// Many follow them.
    Popular,
}

/// Why a user is suggested, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    /// Which reason.
    pub kind: ReasonKind,
    /// `engaged`: interactions in the last 90 days; `similar`: users of the viewer's taste who follow them; `popular`:
    /// followers.
    pub count: u64,
    /// The same in English.
    pub text: String,
}

/// A user worth following.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SuggestedUser {
    /// Who.
    pub user_id: UserId,
    /// The unique name.
    pub handle: String,
    /// The name shown to people.
    pub display_name: String,
    /// `ln(1 + interactions)`, from 0: what the list is ordered by. 0 for those who are only popular, who come last.
    pub score: f64,
    /// The viewer's own interactions with the user, plus the users of the viewer's taste who follow them.
    pub interactions: u64,
    /// The stronger reason.
    pub reason: Reason,
}

/// Users worth following; serializes as the public answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SuggestedUsers {
    /// Best first.
    pub users: Vec<SuggestedUser>,
    /// Where the list comes from.
    pub served_from: ListFrom,
    /// What was left out.
    pub degraded: Vec<LeftOut>,
}

/// The posts that everybody engages with now; serializes as the public answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trending {
    /// Hottest first; `score` is the hot score.
    pub items: Vec<FeedItem>,
    /// Where the list comes from.
    pub served_from: ListFrom,
    /// What was left out.
    pub degraded: Vec<Degraded>,
}

impl SuggestedUser {
    pub(crate) fn new(suggestion: &Suggestion, names: UserNames) -> Self {
        Self {
            user_id: names.user_id,
            handle: names.handle,
            display_name: names.display_name,
            score: suggestion.score,
            interactions: suggestion.interactions,
            reason: suggestion.reason.into(),
        }
    }
}

impl From<SuggestionReason> for Reason {
    fn from(reason: SuggestionReason) -> Self {
        match reason {
            SuggestionReason::Engaged { interactions } => Self {
                kind: ReasonKind::Engaged,
                count: interactions,
                text: format!("You interacted with their posts {}", times(interactions)),
            },
            SuggestionReason::Similar { users } => Self {
                kind: ReasonKind::Similar,
                count: users,
                text: match users {
                    1 => "Followed by someone who likes what you like".to_owned(),
                    n => format!("Followed by {n} people who like what you like"),
                },
            },
            SuggestionReason::Popular { followers } => Self {
                kind: ReasonKind::Popular,
                count: followers,
                text: match followers {
                    1 => "Followed by one person".to_owned(),
                    n => format!("Followed by {n} people"),
                },
            },
        }
    }
}

fn times(n: u64) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_answer_as_clients_read_it() {
        let reasons = [
            SuggestionReason::Engaged { interactions: 4 },
            SuggestionReason::Engaged { interactions: 1 },
            SuggestionReason::Similar { users: 3 },
            SuggestionReason::Similar { users: 1 },
            SuggestionReason::Popular { followers: 1_200 },
        ];
        let user = |(n, reason): (u128, SuggestionReason)| {
            let suggestion = Suggestion {
                user_id: Uuid::from_u128(n).into(),
                score: 5.0_f64.ln(),
                interactions: 4,
                reason,
            };
            let names = UserNames {
                user_id: suggestion.user_id,
                handle: format!("user_{n}"),
                display_name: format!("User {n}"),
            };
            SuggestedUser::new(&suggestion, names)
        };
        let answer = SuggestedUsers {
            users: (1..).zip(reasons).map(user).collect(),
            served_from: ListFrom::Cache,
            degraded: LeftOut::ALL.to_vec(),
        };
        insta::assert_json_snapshot!(answer);
    }
}
