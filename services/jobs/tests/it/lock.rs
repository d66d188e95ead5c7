//! One replica at a time, by the real lock.

use std::sync::Arc;
use std::time::Duration;

use nova_jobs::{Job, JobFuture, JobName, Outcome, Plan, Run, run_once};
use nova_runtime::Shutdown;
use nova_testbed::{Server, wait_for};
use tokio::sync::Notify;

use crate::world::{PATIENCE, PLAN, World};

/// Runs until it is let go.
#[derive(Default)]
struct Held {
    begun: Notify,
    go: Notify,
}

impl Job for Held {
    fn name(&self) -> JobName {
        JobName::FeedCacheWarmer
    }

    fn run<'a>(&'a self, _run: &'a Run) -> JobFuture<'a> {
        Box::pin(async {
            self.begun.notify_one();
            self.go.notified().await;
            Ok(())
        })
    }
}

#[tokio::test]
async fn one_replica_runs_a_job_and_the_other_is_told_so() {
    let world = World::start().await;
    let (job, shutdown) = (Arc::new(Held::default()), Shutdown::new());
    let first = {
        let (job, cache, shutdown) = (Arc::clone(&job), world.cache.clone(), shutdown.clone());
        tokio::spawn(async move { run_once(&*job, &PLAN, &cache, &shutdown).await })
    };
    job.begun.notified().await;
    let second = world.run(&*job).await;
    assert_eq!(second.outcome, Outcome::Skipped, "{second}");
    job.go.notify_one();
    assert_eq!(first.await.unwrap().outcome, Outcome::Ok);
    // Given back at once, not when it expires.
    job.go.notify_one();
    assert_eq!(world.run(&*job).await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn a_run_whose_lock_vanishes_stops() {
    let world = World::start().await;
    let (job, shutdown) = (Held::default(), Shutdown::new());
    let plan = Plan {
        deadline: Duration::from_secs(2),
        ..PLAN
    };
    let vanish = async {
        job.begun.notified().await;
        let mut redis = world.redis().await;
        let _: () = redis::cmd("FLUSHALL")
            .query_async(&mut redis)
            .await
            .unwrap();
    };
    let long = Plan {
        deadline: Duration::from_secs(10),
        ..plan
    };
    let (report, ()) = tokio::join!(run_once(&job, &long, &world.cache, &shutdown), vanish);
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(
        report.remark.as_deref(),
        Some("the lock was lost while the job ran")
    );
}

#[tokio::test]
async fn without_redis_a_run_fails_and_with_it_the_next_succeeds() {
    let world = World::start().await;
    let job = Held::default();
    world.stack.kill(Server::Redis).await.unwrap();
    let report = world.run(&job).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert!(report.remark.unwrap().contains("Redis"));
    world.stack.restart(Server::Redis).await.unwrap();
    wait_for(PATIENCE, async || {
        job.go.notify_one();
        match world.run(&job).await {
            report if report.outcome == Outcome::Ok => Ok(()),
            report => Err(report.to_string()),
        }
    })
    .await
    .unwrap();
}
