//! When the jobs run and how much they do.

use std::time::Duration;

use nova_runtime::{ConfigError, Env};

/// When a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Whether this process runs it by itself; `nova jobs run` does in any case.
    pub enabled: bool,
    /// From the beginning of one run to that of the next, a tenth more or less.
    pub interval: Duration,
    /// When a run is cut off.
    pub deadline: Duration,
}

/// A job that works for the most active users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsersConfig {
    /// When.
    pub plan: Plan,
    /// For how many users, the most active first.
    pub users: u32,
    /// For how many at once.
    pub concurrency: usize,
}

/// The probe of freshness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeConfig {
    /// When; its deadline leaves time to prepare beside `within`.
    pub plan: Plan,
    /// How soon a like has to be visible.
    pub within: Duration,
}

/// All jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobsConfig {
    /// `HotPostGenerator`: every 60 s, at most 10 s.
    pub hot_posts: Plan,
    /// `SuggestedUsersGenerator`: every 300 s, at most 240 s, 500 users, 4 at once.
    pub suggested_users: UsersConfig,
    /// `FeedCacheWarmer`: every 120 s, at most 60 s, 100 users, 4 at once.
    pub warmer: UsersConfig,
    /// `FreshnessProbe`: every 30 s; a like has to be visible within 5 s.
    pub probe: ProbeConfig,
}

/// What the probe may take to prepare and to find its post, beside what a like may take.
const PROBE_PREPARATION: Duration = Duration::from_secs(10);

/// The lists of a run must not outlive the next: a longer interval leaves `hot:posts:1h` empty between runs.
const HOT_INTERVAL_MAX: u64 = 100_000;

impl JobsConfig {
    /// Reads `NOVA_JOBS_*`: for `HOT`, `SUGGEST`, `WARM` and `PROBE` each `_ENABLED` (`on` or `off`), `_INTERVAL_MS` and
    /// `_DEADLINE_MS` (of the probe: how soon a like has to be visible); for `SUGGEST` and `WARM` also `_USERS` and
    /// `_CONCURRENCY`.
    ///
    /// # Errors
    /// Names the variable that cannot be used.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let seconds = Duration::from_secs;
        let within = env.millis_or("NOVA_JOBS_PROBE_DEADLINE_MS", seconds(5))?;
        Ok(Self {
            hot_posts: Plan {
                enabled: env.switch_or("NOVA_JOBS_HOT_ENABLED", true)?,
                interval: Duration::from_millis(env.number_or(
                    "NOVA_JOBS_HOT_INTERVAL_MS",
                    60_000,
                    1..=HOT_INTERVAL_MAX,
                )?),
                deadline: env.millis_or("NOVA_JOBS_HOT_DEADLINE_MS", seconds(10))?,
            },
            suggested_users: UsersConfig {
                plan: Plan {
                    enabled: env.switch_or("NOVA_JOBS_SUGGEST_ENABLED", true)?,
                    interval: env.millis_or("NOVA_JOBS_SUGGEST_INTERVAL_MS", seconds(300))?,
                    deadline: env.millis_or("NOVA_JOBS_SUGGEST_DEADLINE_MS", seconds(240))?,
                },
                users: env.number_or("NOVA_JOBS_SUGGEST_USERS", 500, 1..=100_000)?,
                concurrency: env.number_or("NOVA_JOBS_SUGGEST_CONCURRENCY", 1, 1..=16)?,
            },
            warmer: UsersConfig {
                plan: Plan {
                    enabled: env.switch_or("NOVA_JOBS_WARM_ENABLED", true)?,
                    interval: env.millis_or("NOVA_JOBS_WARM_INTERVAL_MS", seconds(120))?,
                    deadline: env.millis_or("NOVA_JOBS_WARM_DEADLINE_MS", seconds(60))?,
                },
                users: env.number_or("NOVA_JOBS_WARM_USERS", 100, 1..=100_000)?,
                concurrency: env.number_or("NOVA_JOBS_WARM_CONCURRENCY", 4, 1..=16)?,
            },
            probe: ProbeConfig {
                plan: Plan {
                    enabled: env.switch_or("NOVA_JOBS_PROBE_ENABLED", true)?,
                    interval: env.millis_or("NOVA_JOBS_PROBE_INTERVAL_MS", seconds(30))?,
                    deadline: within + PROBE_PREPARATION,
                },
                within,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_the_default() {
        let config = JobsConfig::from_env(&Env::default()).unwrap();
        assert_eq!(config.hot_posts.interval, Duration::from_secs(60));
        assert_eq!(
            config.suggested_users.plan.interval,
            Duration::from_secs(300)
        );
        assert_eq!(config.suggested_users.users, 500);
        assert_eq!(config.warmer.plan.interval, Duration::from_secs(120));
        assert_eq!(config.warmer.users, 100);
        assert_eq!(config.probe.within, Duration::from_secs(5));
        assert!(config.probe.plan.deadline < config.probe.plan.interval);
        let all = [
            config.hot_posts,
            config.suggested_users.plan,
            config.warmer.plan,
            config.probe.plan,
        ];
        assert!(
            all.iter()
                .all(|plan| plan.enabled && plan.deadline < plan.interval)
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (variable, value) in [
            ("NOVA_JOBS_HOT_ENABLED", "perhaps"),
            ("NOVA_JOBS_HOT_INTERVAL_MS", "120000"),
            ("NOVA_JOBS_SUGGEST_USERS", "0"),
            ("NOVA_JOBS_WARM_CONCURRENCY", "17"),
            ("NOVA_JOBS_PROBE_DEADLINE_MS", "soon"),
        ] {
            let env = Env::from_pairs([(variable, value)]);
            assert_eq!(
                JobsConfig::from_env(&env).unwrap_err().variable,
                variable,
                "{value}"
            );
        }
    }
}
