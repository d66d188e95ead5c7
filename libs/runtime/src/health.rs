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

/// Asks whether something the process uses is there.
#[derive(Clone)]
pub struct HealthCheck {
    name: &'static str,
    required: bool,
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
            required: true,
            deadline,
            check: Arc::new(move || Box::pin(check())),
        }
    }

    /// A check of something the process can do without for a while: told, but the process stays ready.
    pub fn informative<F, Fut>(name: &'static str, deadline: Duration, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self {
            required: false,
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
            required: self.required,
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
    /// How long the answer took.
    pub milliseconds: f64,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What all checks said.
#[derive(Debug, Clone, Serialize)]
pub struct HealthReport {
    /// Whether every required check passed.
    pub ready: bool,
    /// Each check, in the order they were given.
    pub checks: Vec<CheckReport>,
}

impl HealthReport {
    /// Asks all checks at once; takes as long as the slowest, at most the longest deadline.
    pub async fn ask(checks: &[HealthCheck]) -> Self {
        let checks = join_all(checks.iter().map(HealthCheck::ask)).await;
        Self {
            ready: checks.iter().all(|c| c.ok || !c.required),
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
}
