//! Runs jobs at their turns.

use std::sync::Arc;

use futures::future::join_all;
use nova_cache::ttl;
use nova_runtime::Shutdown;
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::Plan;
use crate::error::JobError;
use crate::job::Job;
use crate::lease::{Leases, lost};
use crate::report::{Outcome, Report};
use crate::run::Run;
use crate::schedule;

/// Jobs and when they run.
pub struct Scheduler<L> {
    leases: L,
    jobs: Vec<(Arc<dyn Job>, Plan)>,
}

impl<L> std::fmt::Debug for Scheduler<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let jobs = self.jobs.iter().map(|(job, plan)| (job.name(), plan));
        f.debug_map().entries(jobs).finish()
    }
}

impl<L: Leases> Scheduler<L> {
    /// Nothing to do yet.
    #[must_use]
    pub fn new(leases: L) -> Self {
        Self {
            leases,
            jobs: Vec::new(),
        }
    }

    /// Adds a job.
    #[must_use]
    pub fn with(mut self, job: Arc<dyn Job>, plan: Plan) -> Self {
        self.jobs.push((job, plan));
        self
    }

    /// Runs every job at its turns until told to stop; what runs then is cut off.
    pub async fn run(&self, shutdown: &Shutdown) {
        let loops = self
            .jobs
            .iter()
            .map(|(job, plan)| self.repeat(&**job, plan, shutdown));
        join_all(loops).await;
        // Without jobs there is still a process that waits to be told.
        shutdown.requested().await;
    }

    async fn repeat(&self, job: &dyn Job, plan: &Plan, shutdown: &Shutdown) {
        let mut turn = Instant::now() + schedule::first(plan.interval, &mut rand::rng());
        loop {
            tokio::select! {
                // In this order: a turn that has come meanwhile is no reason to go on.
                biased;
                () = shutdown.requested() => return,
                () = sleep_until(turn) => {}
            }
            // The report is logged.
            let _report = run_once(job, plan, &self.leases, shutdown).await;
            turn += schedule::period(plan.interval, &mut rand::rng());
            // Turns that passed during a long run are not made up for.
            turn = turn.max(Instant::now());
        }
    }
}

/// Runs a job once, if nobody else is at it, and logs what came of it.
pub async fn run_once(
    job: &dyn Job,
    plan: &Plan,
    leases: &impl Leases,
    shutdown: &Shutdown,
) -> Report {
    let started = Instant::now();
    let mut report = Report {
        job: job.name(),
        outcome: Outcome::Ok,
        took: started.elapsed(),
        items: 0,
        remark: None,
    };
    let lifetime = ttl::job_lock(plan.deadline);
    match leases.acquire(job.name().as_str(), lifetime).await {
        Ok(Some(lease)) => {
            let run = Run::new(lease.fence, plan.deadline);
            let ended = tokio::select! {
                // In this order: a result that is there counts, also in the moment of the deadline.
                biased;
                ended = timeout(plan.deadline, job.run(&run)) => ended.map_or(Ended::Late, Ended::By),
                () = lost(leases, &lease, lifetime) => Ended::By(Err(JobError::LeaseLost)),
                () = shutdown.requested() => Ended::Stopped,
            };
            report.items = run.items();
            report.remark = run.take_remark();
            ended.tell(plan, &mut report);
            if let Err(error) = leases.release(lease).await {
                tracing::warn!(job = %job.name(), %error, "the lock stays until it expires");
            }
        }
        Ok(None) => {
            report.outcome = Outcome::Skipped;
            report.remark = Some(format!(
                "another process is running it; its lock lasts {} s at most",
                lifetime.as_secs()
            ));
        }
        Err(error) => Ended::By(Err(error.into())).tell(plan, &mut report),
    }
    report.took = started.elapsed();
    report.record();
    report
}

/// How the work itself ended.
enum Ended {
    By(Result<(), JobError>),
    Late,
    Stopped,
}

impl Ended {
    fn tell(self, plan: &Plan, report: &mut Report) {
        report.outcome = match self {
            Self::By(Ok(())) => Outcome::Ok,
            Self::By(Err(error)) => {
                report.remark = Some(chain(&error));
                Outcome::Failed
            }
            Self::Late => {
                let deadline = plan.deadline.as_millis();
                report.remark = Some(format!("not done within {deadline} ms"));
                Outcome::Late
            }
            Self::Stopped => Outcome::Stopped,
        };
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
