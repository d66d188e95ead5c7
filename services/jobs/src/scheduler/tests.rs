//! The clock of the scheduler, with time that only passes when everybody waits.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use nova_cache::{CacheError, JobLease};
use tokio::time::sleep;
use uuid::Uuid;

use super::*;
use crate::job::{JobFuture, JobName};

const MINUTE: Duration = Duration::from_secs(60);

fn plan(interval: Duration, deadline: Duration) -> Plan {
    Plan {
        enabled: true,
        interval,
        deadline,
    }
}

/// A lock that everybody shares, and that can be taken away or out of reach.
#[derive(Default)]
struct Lock {
    held: Mutex<Option<(Uuid, Instant)>>,
    fence: AtomicU64,
    away: AtomicBool,
    renewed: AtomicUsize,
}

impl Lock {
    fn answer(&self) -> Result<(), CacheError> {
        if self.away.load(Ordering::SeqCst) {
            let reason = "away".to_owned();
            return Err(CacheError::Unavailable { reason });
        }
        Ok(())
    }

    fn is_held(&self) -> bool {
        let held = self.held.lock().unwrap();
        held.is_some_and(|(_, until)| until > Instant::now())
    }

    fn take_away(&self) {
        *self.held.lock().unwrap() = Some((Uuid::nil(), Instant::now() + MINUTE * 60));
    }
}

impl Leases for Arc<Lock> {
    async fn acquire(
        &self,
        job: &'static str,
        ttl: Duration,
    ) -> Result<Option<JobLease>, CacheError> {
        self.answer()?;
        if self.is_held() {
            return Ok(None);
        }
        let token = Uuid::now_v7();
        *self.held.lock().unwrap() = Some((token, Instant::now() + ttl));
        Ok(Some(JobLease {
            name: job.to_owned(),
            token,
            fence: self.fence.fetch_add(1, Ordering::SeqCst) + 1,
        }))
    }

    async fn renew(&self, lease: &JobLease, ttl: Duration) -> Result<bool, CacheError> {
        self.answer()?;
        self.renewed.fetch_add(1, Ordering::SeqCst);
        let mut held = self.held.lock().unwrap();
        match &mut *held {
            Some((token, until)) if *token == lease.token && *until > Instant::now() => {
                *until = Instant::now() + ttl;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn release(&self, lease: JobLease) -> Result<(), CacheError> {
        self.answer()?;
        let mut held = self.held.lock().unwrap();
        if held.is_some_and(|(token, _)| token == lease.token) {
            *held = None;
        }
        Ok(())
    }
}

/// Takes its time, and remembers when it began and how many of it ran at once.
struct Work {
    takes: Duration,
    began: Mutex<Vec<Instant>>,
    fences: Mutex<Vec<u64>>,
    running: AtomicUsize,
    most: AtomicUsize,
    done: AtomicUsize,
}

impl Work {
    fn new(takes: Duration) -> Self {
        Self {
            takes,
            began: Mutex::default(),
            fences: Mutex::default(),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
        }
    }

    fn begun(&self) -> Vec<Instant> {
        self.began.lock().unwrap().clone()
    }
}

/// Counts a run out, also where it is cut off.
struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Job for Work {
    fn name(&self) -> JobName {
        JobName::HotPostGenerator
    }

    fn run<'a>(&'a self, run: &'a Run) -> JobFuture<'a> {
        Box::pin(async move {
            self.began.lock().unwrap().push(Instant::now());
            self.fences.lock().unwrap().push(run.fence());
            let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            let _running = Running(&self.running);
            self.most.fetch_max(now, Ordering::SeqCst);
            run.wrote(1);
            sleep(self.takes).await;
            self.done.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

/// Runs one scheduler for each plan on the same lock, for a time, then stops it.
async fn run_for(time: Duration, lock: &Arc<Lock>, work: &Arc<Work>, plans: &[Plan]) {
    let shutdown = Shutdown::new();
    let schedulers: Vec<_> = plans
        .iter()
        .map(|plan| {
            let job: Arc<dyn Job> = Arc::<Work>::clone(work);
            Scheduler::new(Arc::clone(lock)).with(job, *plan)
        })
        .collect();
    let running = join_all(schedulers.iter().map(|s| s.run(&shutdown)));
    let stop = async {
        sleep(time).await;
        shutdown.request();
    };
    tokio::join!(running, stop);
}

#[tokio::test(start_paused = true)]
async fn a_job_runs_every_interval_with_jitter() {
    let (lock, work) = (Arc::default(), Arc::new(Work::new(Duration::from_secs(1))));
    let started = Instant::now();
    let plan = plan(MINUTE, Duration::from_secs(10));
    run_for(MINUTE * 60, &lock, &work, &[plan]).await;
    let begun = work.begun();
    assert!((50..=70).contains(&begun.len()), "{}", begun.len());
    // The clock ticks in milliseconds.
    let tick = Duration::from_millis(2);
    assert!(begun[0] - started <= MINUTE / 10 + tick);
    let gaps: Vec<Duration> = begun.windows(2).map(|two| two[1] - two[0]).collect();
    for gap in &gaps {
        let allowed = MINUTE.mul_f64(0.9) - tick..=MINUTE.mul_f64(1.1) + tick;
        assert!(allowed.contains(gap), "{gap:?}");
    }
    assert!(gaps.iter().max().unwrap() > gaps.iter().min().unwrap());
    assert!(!lock.is_held());
    let fences = work.fences.lock().unwrap();
    assert!(fences.is_sorted_by(|a, b| a < b), "{fences:?}");
}

#[tokio::test(start_paused = true)]
async fn replicas_never_run_a_job_together() {
    let work = Arc::new(Work::new(Duration::from_secs(40)));
    let plan = plan(MINUTE, Duration::from_secs(50));
    run_for(MINUTE * 30, &Arc::default(), &work, &[plan; 3]).await;
    assert_eq!(work.most.load(Ordering::SeqCst), 1);
    // Three would have begun 90 in that time; more than 45 do not fit.
    let begun = work.begun().len();
    assert!((25..=45).contains(&begun), "{begun}");
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_at_its_deadline_and_the_next_one_comes() {
    let (lock, work) = (Arc::default(), Arc::new(Work::new(MINUTE * 60)));
    let plan = plan(MINUTE, Duration::from_secs(10));
    let started = Instant::now();
    let report = run_once(&*work, &plan, &lock, &Shutdown::new()).await;
    assert_eq!(report.outcome, Outcome::Late);
    assert_eq!(report.items, 1, "what was written before counts");
    assert_eq!(report.remark.as_deref(), Some("not done within 10000 ms"));
    assert!(started.elapsed() < Duration::from_secs(11));
    assert!(!lock.is_held());
    run_for(MINUTE * 10, &lock, &work, &[plan]).await;
    assert!(work.begun().len() >= 9);
    assert_eq!(work.done.load(Ordering::SeqCst), 0);
    assert_eq!(work.running.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_long_run_puts_off_the_next_and_nothing_is_made_up_for() {
    let work = Arc::new(Work::new(Duration::from_secs(90)));
    let plan = plan(MINUTE, MINUTE * 3);
    run_for(MINUTE * 30, &Arc::default(), &work, &[plan]).await;
    assert_eq!(work.most.load(Ordering::SeqCst), 1);
    let begun = work.begun();
    assert!((18..=21).contains(&begun.len()), "{}", begun.len());
}

#[tokio::test(start_paused = true)]
async fn a_run_stops_when_its_lock_is_lost() {
    let lock: Arc<Lock> = Arc::default();
    let work = Work::new(MINUTE * 60);
    let plan = plan(MINUTE * 60, MINUTE * 30);
    let shutdown = Shutdown::new();
    let rob = async {
        sleep(MINUTE).await;
        lock.take_away();
        Instant::now()
    };
    let (report, robbed) = tokio::join!(run_once(&work, &plan, &lock, &shutdown), rob);
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(
        report.remark.as_deref(),
        Some("the lock was lost while the job ran")
    );
    // Three looks in the life of a lease.
    assert!(robbed.elapsed() <= ttl::job_lock(plan.deadline) / 3);
    assert_eq!(work.running.load(Ordering::SeqCst), 0);
    assert!(lock.is_held(), "the other one's lock is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_run_outlives_a_redis_that_is_away_for_less_than_its_lock_lasts() {
    let lock: Arc<Lock> = Arc::default();
    let work = Work::new(MINUTE * 20);
    let plan = plan(MINUTE * 60, MINUTE * 30);
    let shutdown = Shutdown::new();
    let absence = async {
        sleep(MINUTE).await;
        lock.away.store(true, Ordering::SeqCst);
        sleep(MINUTE * 15).await;
        lock.away.store(false, Ordering::SeqCst);
    };
    let (report, ()) = tokio::join!(run_once(&work, &plan, &lock, &shutdown), absence);
    assert_eq!(report.outcome, Outcome::Ok, "{report}");

    // Away for good: the lock is gone by everybody else's clock, so the run has to end.
    let away = async {
        sleep(MINUTE).await;
        lock.away.store(true, Ordering::SeqCst);
    };
    let long = Work::new(MINUTE * 60);
    let plan = Plan {
        deadline: MINUTE * 2,
        ..plan
    };
    let (report, ()) = tokio::join!(run_once(&long, &plan, &lock, &shutdown), away);
    assert!(
        matches!(report.outcome, Outcome::Late | Outcome::Failed),
        "{report}"
    );
    assert_eq!(long.running.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn without_redis_a_run_fails_and_the_next_turn_tries_again() {
    let lock: Arc<Lock> = Arc::default();
    let work = Arc::new(Work::new(Duration::from_secs(1)));
    let plan = plan(MINUTE, Duration::from_secs(10));
    lock.away.store(true, Ordering::SeqCst);
    let report = run_once(&*work, &plan, &lock, &Shutdown::new()).await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(
        report.remark.as_deref(),
        Some("Redis cannot be reached: away")
    );
    let back = async {
        sleep(MINUTE * 5).await;
        lock.away.store(false, Ordering::SeqCst);
    };
    let plans = [plan];
    tokio::join!(run_for(MINUTE * 10, &lock, &work, &plans), back);
    let begun = work.begun().len();
    assert!((4..=7).contains(&begun), "{begun}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_another_process_runs_is_skipped() {
    let lock: Arc<Lock> = Arc::default();
    lock.take_away();
    let work = Work::new(MINUTE);
    let plan = plan(MINUTE, Duration::from_secs(10));
    let report = run_once(&work, &plan, &lock, &Shutdown::new()).await;
    assert_eq!(report.outcome, Outcome::Skipped);
    assert_eq!(
        report.to_string(),
        "HotPostGenerator: skipped, 0 items in 0.00 s; another process is running it; its lock lasts 15 s at most"
    );
    assert!(work.begun().is_empty());
}

#[tokio::test(start_paused = true)]
async fn stopping_cuts_a_run_off_and_gives_the_lock_back() {
    let lock: Arc<Lock> = Arc::default();
    let work = Arc::new(Work::new(MINUTE * 60));
    let plan = plan(MINUTE, MINUTE * 30);
    let started = Instant::now();
    run_for(MINUTE, &lock, &work, &[plan]).await;
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(work.begun().len(), 1);
    assert_eq!(work.running.load(Ordering::SeqCst), 0);
    assert!(!lock.is_held());
}
