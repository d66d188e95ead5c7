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

/// A switch of the configuration: `on` or `off`.
struct Switch {
    variable: &'static str,
    set: fn(&mut FeedConfig, bool),
}

/// More hours than any window needs (a year); more posts than a request should carry.
const MAX_HOURS: u32 = 8_760;
const MAX_POSTS: u32 = 5_000;
const MAX_MILLIS: u32 = 60_000;
/// A ranking lives for 600 s in Redis: as fresh, then as stale.
const MAX_SECONDS: u32 = 300;
const MAX_RANKINGS: u32 = 1_024;
const MAX_QUEUE: u32 = 65_536;
const MAX_FAILURES: u32 = 1_000;
const MAX_MEMORY_MIB: u32 = 65_536;
/// `user_impressions_2d` keeps no more.
const MAX_SEEN_HOURS: u32 = 72;
/// Longer than any page.
const MAX_WINDOW: u32 = 1_000;
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
    ($variable:literal, ms $($field:ident).+) => {
        Whole {
            variable: $variable,
            min: 1,
            max: MAX_MILLIS,
            get: |c| u32::try_from(c.$($field).+.as_millis()).unwrap_or(u32::MAX),
            set: |c, value| c.$($field).+ = Duration::from_millis(u64::from(value)),
        }
    };
    ($variable:literal, seconds $field:ident) => {
        Whole {
            variable: $variable,
            min: 1,
            max: MAX_SECONDS,
            get: |c| u32::try_from(c.$field.as_secs()).unwrap_or(u32::MAX),
            set: |c, value| c.$field = Duration::from_secs(u64::from(value)),
        }
    };
}

const BUDGET: &str = "NOVA_FEED_BUDGET_MS";

const WHOLE: [Whole; 28] = [
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
    whole!("NOVA_FEED_POSTS_DEADLINE_MS", ms posts_deadline),
    whole!(
        "NOVA_FEED_SEEN_HOURS",
        1,
        MAX_SEEN_HOURS,
        filters.seen_hours
    ),
    whole!(
        "NOVA_FEED_DIVERSITY_MAX",
        1,
        MAX_WINDOW,
        diversity.limits.max_per_author
    ),
    whole!(
        "NOVA_FEED_DIVERSITY_WINDOW",
        1,
        MAX_WINDOW,
        diversity.limits.window
    ),
    whole!("NOVA_FEED_FRESH_SECONDS", seconds fresh),
    whole!("NOVA_FEED_STALE_SECONDS", seconds stale),
    whole!("NOVA_FEED_AHEAD_SECONDS", seconds ahead),
    whole!("NOVA_FEED_SHARED_MS", ms shared),
    whole!("NOVA_FEED_KEPT_SECONDS", seconds kept),
    whole!("NOVA_FEED_MAX_RANKINGS", 1, MAX_RANKINGS, max_rankings),
    whole!("NOVA_FEED_RANKING_QUEUE", 1, MAX_QUEUE, ranking_queue),
    whole!("NOVA_FEED_RANK_WAIT_MS", ms rank_wait),
    whole!(
        "NOVA_FEED_BREAKER_FAILURES",
        1,
        MAX_FAILURES,
        breaker.failures
    ),
    whole!("NOVA_FEED_BREAKER_OPEN_MS", ms breaker.open),
    whole!("NOVA_FEED_BREAKER_OPEN_MAX_MS", ms breaker.open_max),
    whole!("NOVA_FEED_PIPELINE_LATE_SECONDS", seconds pipeline_late),
    whole!("NOVA_FEED_MEMORY_MIB", 1, MAX_MEMORY_MIB, memory_mib),
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

const SWITCHES: [Switch; 3] = [
    Switch {
        variable: "NOVA_FEED_FILTER_OWN",
        set: |c, on| c.filters.own = on,
    },
    Switch {
        variable: "NOVA_FEED_FILTER_SEEN",
        set: |c, on| c.filters.seen = on,
    },
    Switch {
        variable: "NOVA_FEED_DIVERSITY",
        set: |c, on| c.diversity.on = on,
    },
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
    for switch in &SWITCHES {
        if let Some(text) = lookup(switch.variable) {
            (switch.set)(&mut config, on_or_off(switch.variable, &text)?);
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

fn on_or_off(variable: &'static str, text: &str) -> Result<bool, ConfigError> {
    match text.trim() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(ConfigError::new(
            variable,
            format!("must be `on` or `off`, not `{}`", shortened(text)),
        )),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

impl Whole {
    fn range_error(&self, given: &str) -> String {
        let given = shortened(given);
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
        let whole = WHOLE.iter().map(|n| {
            let value = ["777", "77", "7"];
            let fits = value
                .into_iter()
                .find(|v| v.parse::<u32>().unwrap() <= n.max);
            (n.variable, fits.unwrap())
        });
        let real = REAL.iter().map(|n| (n.variable, "0.77"));
        let switches = SWITCHES.iter().map(|s| (s.variable, "off"));
        for set in whole.chain(real).chain(switches) {
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
        for switch in &SWITCHES {
            for bad in ["", "true", "1", "ON", "offf"] {
                let error = with(&[(switch.variable, bad)]).unwrap_err();
                assert_eq!(error.variable, switch.variable, "{bad}");
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
    fn a_switch_goes_both_ways_and_what_a_viewer_may_not_see_has_none() {
        for switch in &SWITCHES {
            let on = with(&[(switch.variable, " on ")]).unwrap();
            assert_eq!(on, FeedConfig::default());
            assert_ne!(with(&[(switch.variable, "off")]).unwrap(), on);
        }
        for safe in ["BLOCKED", "VISIBILITY", "DELETED"] {
            let name = format!("NOVA_FEED_FILTER_{safe}");
            assert_eq!(with(&[(name.as_str(), "off")]), Ok(FeedConfig::default()));
        }
    }

    #[test]
    fn the_budget_holds_a_source_and_postgresql() {
        assert_eq!(with(&[(BUDGET, "599")]).unwrap_err().variable, BUDGET);
        assert!(with(&[(BUDGET, "600")]).is_ok());
    }
}
