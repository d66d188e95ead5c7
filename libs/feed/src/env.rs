//! The variables of the read path: each name, its range, and where its value goes, in one table.

use std::time::Duration;

use nova_ranking::{ConfigError as FormulaError, MAX_COEFFICIENT};

use crate::config::{ConfigError, FeedConfig};

/// A whole number of the configuration.
struct Whole {
    variable: &'static str,
    min: u32,
    max: u32,
    get: fn(&FeedConfig) -> u32,
    set: fn(&mut FeedConfig, u32),
}

/// A real number of the formula.
struct Real {
    variable: &'static str,
    /// Its name in [`FormulaError`].
    field: &'static str,
    set: fn(&mut FeedConfig, f64),
}

/// More hours than any window needs (a year); more posts than a request should carry.
const MAX_HOURS: u32 = 8_760;
const MAX_POSTS: u32 = 5_000;
const MAX_MILLIS: u32 = 60_000;
/// `user_author_90d` keeps no more.
const MAX_DAYS: u32 = 90;

macro_rules! whole {
    ($variable:literal, $min:expr, $max:expr, $($field:ident).+) => {
        Whole {
            variable: $variable,
            min: $min,
            max: $max,
            get: |c| c.$($field).+,
            set: |c, value| c.$($field).+ = value,
        }
    };
    ($variable:literal, ms $field:ident) => {
        Whole {
            variable: $variable,
            min: 1,
            max: MAX_MILLIS,
            get: |c| u32::try_from(c.$field.as_millis()).unwrap_or(u32::MAX),
            set: |c, value| c.$field = Duration::from_millis(u64::from(value)),
        }
    };
}

const BUDGET: &str = "NOVA_FEED_BUDGET_MS";

const WHOLE: [Whole; 11] = [
    whole!(
        "NOVA_FEED_FOLLOW_WINDOW_HOURS",
        1,
        MAX_HOURS,
        follow.window_hours
    ),
    whole!("NOVA_FEED_FOLLOW_LIMIT", 1, MAX_POSTS, follow.max_posts),
    whole!(
        "NOVA_FEED_TRENDING_WINDOW_HOURS",
        1,
        MAX_HOURS,
        trending.window_hours
    ),
    whole!("NOVA_FEED_TRENDING_LIMIT", 1, MAX_POSTS, trending.max_posts),
    whole!(
        "NOVA_FEED_AFFINITY_WINDOW_HOURS",
        1,
        MAX_HOURS,
        affinity.window_hours
    ),
    whole!("NOVA_FEED_AFFINITY_LIMIT", 1, MAX_POSTS, affinity.max_posts),
    whole!(
        "NOVA_FEED_AFFINITY_AUTHORS",
        1,
        MAX_POSTS,
        authors.max_authors
    ),
    whole!(
        "NOVA_FEED_INTERACTION_DAYS",
        1,
        MAX_DAYS,
        authors.interaction_days
    ),
    whole!("NOVA_FEED_SOURCE_DEADLINE_MS", ms source_deadline),
    whole!("NOVA_FEED_BUDGET_MS", ms budget),
    whole!("NOVA_FEED_HYDRATE_RESERVE_MS", ms hydrate_reserve),
];

macro_rules! real {
    ($variable:literal, $name:literal, $($field:ident).+) => {
        Real {
            variable: $variable,
            field: $name,
            set: |c, value| c.formula.$($field).+ = value,
        }
    };
}

const REAL: [Real; 6] = [
    real!(
        "NOVA_RANKING_WEIGHT_FRESHNESS",
        "weights.freshness",
        weights.freshness
    ),
    real!(
        "NOVA_RANKING_WEIGHT_ENGAGEMENT",
        "weights.engagement",
        weights.engagement
    ),
    real!(
        "NOVA_RANKING_WEIGHT_AFFINITY",
        "weights.affinity",
        weights.affinity
    ),
    real!(
        "NOVA_RANKING_DECAY_PER_HOUR",
        "decay_per_hour",
        decay_per_hour
    ),
    real!(
        "NOVA_RANKING_COMMENT_WEIGHT",
        "comment_weight",
        comment_weight
    ),
    real!("NOVA_RANKING_SHARE_WEIGHT", "share_weight", share_weight),
];

pub(crate) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<FeedConfig, ConfigError> {
    let mut config = FeedConfig::default();
    for number in &WHOLE {
        if let Some(text) = lookup(number.variable) {
            let refuse = || ConfigError::new(number.variable, number.range_error(&text));
            (number.set)(&mut config, text.trim().parse().map_err(|_| refuse())?);
        }
    }
    for number in &REAL {
        if let Some(text) = lookup(number.variable) {
            let refuse = |_| ConfigError::new(number.variable, format!("`{text}` is not a number"));
            (number.set)(&mut config, text.trim().parse().map_err(refuse)?);
        }
    }
    check(&config)?;
    Ok(config)
}

pub(crate) fn check(config: &FeedConfig) -> Result<(), ConfigError> {
    for number in &WHOLE {
        let value = (number.get)(config);
        if !(number.min..=number.max).contains(&value) {
            return Err(ConfigError::new(
                number.variable,
                number.range_error(&value.to_string()),
            ));
        }
    }
    if config.source_deadline + config.hydrate_reserve > config.budget {
        let reason = format!(
            "{} ms is less than NOVA_FEED_SOURCE_DEADLINE_MS and NOVA_FEED_HYDRATE_RESERVE_MS together ({} ms)",
            config.budget.as_millis(),
            (config.source_deadline + config.hydrate_reserve).as_millis()
        );
        return Err(ConfigError::new(BUDGET, reason));
    }
    config
        .formula
        .validate()
        .map_err(|error| name_variable(&error))
}

fn name_variable(error: &FormulaError) -> ConfigError {
    match error {
        FormulaError::OutOfRange { field, value } => {
            let variable = REAL
                .iter()
                .find(|r| r.field == *field)
                .map_or("NOVA_RANKING_*", |r| r.variable);
            ConfigError::new(
                variable,
                format!("must be a number from 0 to {MAX_COEFFICIENT}, not {value}"),
            )
        }
        FormulaError::NoWeight => ConfigError::new("NOVA_RANKING_WEIGHT_*", error.to_string()),
    }
}

impl Whole {
    fn range_error(&self, given: &str) -> String {
        let given: String = given.chars().take(64).collect();
        format!(
            "must be a whole number from {} to {}, not `{given}`",
            self.min, self.max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<FeedConfig, ConfigError> {
        read(&|name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn without_variables_the_contract_stands() {
        assert_eq!(with(&[]), Ok(FeedConfig::default()));
    }

    #[test]
    fn every_variable_reaches_its_own_field() {
        // With room for any of the other times.
        let roomy = (BUDGET, "10000");
        let mut seen = vec![with(&[roomy]).unwrap()];
        let whole = WHOLE
            .iter()
            .map(|n| (n.variable, if n.max < 777 { "77" } else { "777" }));
        for set in whole.chain(REAL.iter().map(|n| (n.variable, "0.77"))) {
            let config = with(&[set, roomy]).unwrap();
            assert!(
                !seen.contains(&config),
                "{} changes nothing of its own",
                set.0
            );
            seen.push(config);
        }
    }

    #[test]
    fn an_error_names_its_variable() {
        for number in &WHOLE {
            for bad in ["", "ten", "-1", "0", "1.5", "4294967296", "100001"] {
                let error = with(&[(number.variable, bad)]).unwrap_err();
                assert_eq!(error.variable, number.variable, "{bad}");
            }
        }
        for number in &REAL {
            for bad in ["", "high", "-0.1", "NaN", "inf", "1e7"] {
                let error = with(&[(number.variable, bad)]).unwrap_err();
                assert_eq!(error.variable, number.variable, "{bad}");
            }
        }
        let none = [
            "NOVA_RANKING_WEIGHT_FRESHNESS",
            "NOVA_RANKING_WEIGHT_ENGAGEMENT",
            "NOVA_RANKING_WEIGHT_AFFINITY",
        ];
        assert_eq!(
            with(&none.map(|n| (n, "0"))).unwrap_err().variable,
            "NOVA_RANKING_WEIGHT_*"
        );
    }

    #[test]
    fn the_budget_holds_a_source_and_postgresql() {
        assert_eq!(with(&[(BUDGET, "599")]).unwrap_err().variable, BUDGET);
        assert!(with(&[(BUDGET, "600")]).is_ok());
    }
}
