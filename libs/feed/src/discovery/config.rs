//! The numbers of suggestions.

use std::time::Duration;

use nova_olap::SimilarLimits;

use crate::config::ConfigError;

/// Windows, bounds and deadlines of suggested users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuggestConfig {
    /// Authors interacted with that are looked at (500).
    pub max_engaged: u32,
    /// How similar users are searched for: the newest 20 likes of 90 days, posts of at most 500 likes, 50 similar users,
    /// the newest 100 follows of each, 500 users found.
    pub similar: SimilarLimits,
    /// Most followed users looked at (200).
    pub max_popular: u32,
    /// The best of the first two sources that PostgreSQL is asked about (100): some may not be shown.
    pub max_checked: usize,
    /// How long a request waits for ClickHouse when there is no list (200 ms: the answer is to be there after 300).
    pub deadline: Duration,
    /// How long a request may take altogether (1 s).
    pub budget: Duration,
}

impl Default for SuggestConfig {
    fn default() -> Self {
        Self {
            max_engaged: 500,
            similar: SimilarLimits {
                interaction_days: 90,
                max_likes: 20,
                max_likers: 500,
                max_similar: 50,
                max_follows: 100,
                max_users: 500,
            },
            max_popular: 200,
            max_checked: 100,
            deadline: Duration::from_millis(200),
            budget: Duration::from_secs(1),
        }
    }
}

impl SuggestConfig {
    /// Reads `NOVA_SUGGEST_DEADLINE_MS` and `NOVA_SUGGEST_BUDGET_MS`; what is not set keeps its default.
    ///
    /// # Errors
    /// The variable whose value is no number of milliseconds from 1 to 60,000, or a deadline beyond the budget.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        const DEADLINE: &str = "NOVA_SUGGEST_DEADLINE_MS";
        const BUDGET: &str = "NOVA_SUGGEST_BUDGET_MS";
        let millis = |variable, default| {
            let Some(text) = lookup(variable) else {
                return Ok(default);
            };
            match text.trim().parse() {
                Ok(number @ 1..=60_000) => Ok(Duration::from_millis(number)),
                _ => Err(ConfigError::new(
                    variable,
                    "must be a whole number from 1 to 60000",
                )),
            }
        };
        let default = Self::default();
        let config = Self {
            deadline: millis(DEADLINE, default.deadline)?,
            budget: millis(BUDGET, default.budget)?,
            ..default
        };
        if config.deadline >= config.budget {
            let reason = format!("must be more than {DEADLINE}");
            return Err(ConfigError::new(BUDGET, reason));
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<SuggestConfig, String> {
        let lookup = |name: &str| {
            let found = pairs.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        SuggestConfig::from_lookup(lookup).map_err(|error| error.variable.to_owned())
    }

    #[test]
    fn deadlines_are_read_and_checked() {
        assert_eq!(read(&[]), Ok(SuggestConfig::default()));
        let config = read(&[("NOVA_SUGGEST_DEADLINE_MS", "50")]).unwrap();
        assert_eq!(config.deadline, Duration::from_millis(50));
        for (name, value) in [
            ("NOVA_SUGGEST_DEADLINE_MS", "0"),
            ("NOVA_SUGGEST_BUDGET_MS", "soon"),
            ("NOVA_SUGGEST_BUDGET_MS", "200"),
        ] {
            assert_eq!(read(&[(name, value)]), Err(name.to_owned()));
        }
    }
}
