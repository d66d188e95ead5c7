//! Named checks, each with a deadline.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

type Check =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// What a failed check means for the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It cannot serve.
    Required,
    /// It cannot serve when the other checks of this name fail as well.
    OneOf(&'static str),
    /// It can do without for a while.
    Informative,
}

/// Asks whether something the process uses is there.
#[derive(Clone)]
pub struct HealthCheck {
    name: &'static str,
    need: Need,
    deadline: Duration,
    check: Check,
}

impl HealthCheck {
    /// A check without which the process cannot serve: while it fails, the process is not ready.
    pub fn required<F, Fut>(name: &'static str, deadline: Duration, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self {
            name,
            need: Need::Required,
            deadline,
            check: Arc::new(move || Box::pin(check())),
        }
    }

    /// A check of something that others can stand in for: the process is ready while any check of the same `group`
    /// passes.
    pub fn one_of<F, Fut>(
        group: &'static str,
        name: &'static str,
        deadline: Duration,
        check: F,
    ) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self {
            need: Need::OneOf(group),
            ..Self::required(name, deadline, check)
        }
    }

    /// A check of something the process can do without for a while: told, but the process stays ready.
    pub fn informative<F, Fut>(name: &'static str, deadline: Duration, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self {
            need: Need::Informative,
            ..Self::required(name, deadline, check)
        }
    }

    async fn ask(&self) -> CheckReport {
        let started = Instant::now();
        let error = match tokio::time::timeout(self.deadline, (self.check)()).await {
            Ok(answer) => answer.err(),
            Err(_elapsed) => Some(format!("no answer within {:?}", self.deadline)),
        };
        CheckReport {
            name: self.name,
            ok: error.is_none(),
            required: self.need == Need::Required,
            one_of: match self.need {
                Need::OneOf(group) => Some(group),
                Need::Required | Need::Informative => None,
            },
            milliseconds: started.elapsed().as_secs_f64() * 1_000.0,
            error,
        }
    }
}

impl std::fmt::Debug for HealthCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HealthCheck")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What one check said.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// Which check.
    pub name: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// Whether the process needs it to be ready.
    pub required: bool,
    /// The checks of this name stand in for each other: one that passes is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_of: Option<&'static str>,
    /// How long the answer took.
    pub milliseconds: f64,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What all checks said.
#[derive(Debug, Clone, Serialize)]
pub struct HealthReport {
    /// Whether every required check passed, and one of each group.
    pub ready: bool,
    /// Each check, in the order they were given.
    pub checks: Vec<CheckReport>,
}

impl HealthReport {
    /// Asks all checks at once; takes as long as the slowest, at most the longest deadline.
    pub async fn ask(checks: &[HealthCheck]) -> Self {
        let checks = join_all(checks.iter().map(HealthCheck::ask)).await;
        let required = checks.iter().all(|c| c.ok || !c.required);
        let mut groups = checks.iter().filter_map(|c| c.one_of);
        let of_each = groups.all(|group| checks.iter().any(|c| c.ok && c.one_of == Some(group)));
        Self {
            ready: required && of_each,
            checks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(1);

    fn passing() -> HealthCheck {
        HealthCheck::required("postgres", DEADLINE, || async { Ok(()) })
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_without_an_answer_fails_at_its_deadline() {
        let hanging = HealthCheck::required("kafka", DEADLINE, std::future::pending);
        let report = HealthReport::ask(&[passing(), hanging]).await;
        assert!(!report.ready);
        assert_eq!(report.checks[0].error, None);
        assert_eq!(
            report.checks[1].error.as_deref(),
            Some("no answer within 1s")
        );
    }

    #[tokio::test]
    async fn an_informative_check_does_not_take_readiness() {
        let down = HealthCheck::informative("clickhouse", DEADLINE, || async {
            Err("refused".to_owned())
        });
        let report = HealthReport::ask(&[passing(), down]).await;
        assert!(report.ready);
        assert!(!report.checks[1].ok);
    }

    #[tokio::test]
    async fn one_check_of_a_group_is_enough() {
        let check = |name, up: bool| {
            HealthCheck::one_of("a store", name, DEADLINE, move || async move {
                if up {
                    Ok(())
                } else {
                    Err("refused".to_owned())
                }
            })
        };
        for (postgres, redis) in [(true, true), (true, false), (false, true), (false, false)] {
            let checks = [check("postgres", postgres), check("redis", redis)];
            let report = HealthReport::ask(&checks).await;
            assert_eq!(report.ready, postgres || redis, "{postgres} {redis}");
        }
    }
}
