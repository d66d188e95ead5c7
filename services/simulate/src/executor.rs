//! Paces the plans, hands them to workers, and ends in time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{Timelike as _, Utc};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::client::{ApiClient, ClientError, Request};
use crate::options::SimulateOptions;
use crate::pacer::Pacer;
use crate::plans::{Plan, Plans, PostPlan};
use crate::population::Population;
use crate::summary::{Action, SimulateSummary};

/// Counts are told this often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Runs the simulation until its duration is over or `stop` is cancelled. Requests under way are finished.
///
/// # Errors
/// When it cannot start. Requests that fail are counted, not returned.
pub async fn run(
    options: &SimulateOptions,
    stop: CancellationToken,
) -> Result<SimulateSummary, ClientError> {
    let started = Instant::now();
    let simulation = Arc::new(Simulation {
        client: ApiClient::new(options)?,
        population: Population::new(options.users, options.seed),
        pacer: Pacer::new(options.rate),
        summary: Mutex::default(),
        seed: options.seed,
        stop,
    });
    let concurrency = options.concurrency.max(1);
    let mut plans = Plans::new(options.seed, options.day);
    if options.bootstrap {
        for steps in simulation.first_steps(&mut plans, options.first_posts) {
            let steps = Mutex::new(steps.into_iter());
            simulation
                .work(concurrency, move || lock(&steps).next())
                .await;
        }
        simulation.tell(options.quiet, "population ready");
    }
    let begun = Instant::now();
    // The day's course follows the clock where days are as long as they are.
    let midnight = Duration::from_secs(Utc::now().num_seconds_from_midnight().into())
        .mul_f64(options.day.as_secs_f64() / 86_400.0);
    let (people, plans) = (Arc::clone(&simulation), Mutex::new(plans));
    let workers = simulation.work(concurrency, move || {
        let now = midnight + begun.elapsed();
        lock(&plans).next(&people.population, now).map(Step::Plan)
    });
    let clock = async {
        let duration = options.duration.unwrap_or(Duration::MAX);
        while begun.elapsed() < duration {
            sleep(TELL_EVERY.min(duration.saturating_sub(begun.elapsed()))).await;
            simulation.tell(options.quiet, "running");
        }
        simulation.stop.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = workers => {}
        () = clock => {}
    }
    let mut summary = std::mem::take(&mut *lock(&simulation.summary));
    summary.took = started.elapsed();
    Ok(summary)
}

/// What a panic leaves behind is complete: every change is one assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thing a worker does.
enum Step {
    /// Makes the account.
    Profile(usize),
    /// Follows everybody this person follows from the start.
    Follows(usize),
    /// Makes one of the first posts.
    FirstPost(usize, PostPlan),
    Plan(Plan),
}

pub(crate) struct Simulation {
    pub(crate) client: ApiClient,
    pub(crate) population: Population,
    pub(crate) pacer: Pacer,
    pub(crate) summary: Mutex<SimulateSummary>,
    pub(crate) seed: u64,
    pub(crate) stop: CancellationToken,
}

impl Simulation {
    /// What creates the population, in phases: each needs the one before.
    fn first_steps(&self, plans: &mut Plans, first_posts: usize) -> [Vec<Step>; 3] {
        let everybody = 0..self.population.people.len();
        // Another stream than those of the population and of the plans.
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(2);
        let post = |_| {
            let author = self.population.popular(&mut rng)?;
            Some(Step::FirstPost(author, plans.post()))
        };
        [
            everybody.clone().map(Step::Profile).collect(),
            everybody.map(Step::Follows).collect(),
            (0..first_posts).filter_map(post).collect(),
        ]
    }

    /// Does what `next` gives until it gives nothing or the simulation is stopped.
    async fn work(
        self: &Arc<Self>,
        concurrency: usize,
        next: impl Fn() -> Option<Step> + Send + Sync + 'static,
    ) {
        let next = Arc::new(next);
        let mut workers = JoinSet::new();
        for _ in 0..concurrency {
            let (simulation, next) = (Arc::clone(self), Arc::clone(&next));
            workers.spawn(async move {
                while !simulation.stop.is_cancelled()
                    && let Some(step) = next()
                {
                    simulation.step(step).await;
                }
            });
        }
        while let Some(ended) = workers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker of the simulation failed");
            }
        }
    }

    async fn step(&self, step: Step) {
        let people = &self.population.people;
        match step {
            Step::Profile(index) => {
                let Some(person) = people.get(index) else {
                    return;
                };
                let profile =
                    json!({ "handle": person.handle, "display_name": person.display_name });
                let mut request = Request::new(Method::PUT, "users/me");
                request.body = Some(&profile);
                self.send(Action::Profile, person.id, request).await;
            }
            Step::Follows(index) => {
                let Some(person) = people.get(index) else {
                    return;
                };
                for followee in &person.follows {
                    self.follow(person, *followee).await;
                }
            }
            Step::FirstPost(index, plan) => {
                let Some(author) = people.get(index) else {
                    return;
                };
                // Bootstrapping again gives the posts that are there.
                self.post(author, &plan, plan.key).await;
            }
            Step::Plan(plan) => self.carry_out(&plan).await,
        }
    }

    fn tell(&self, quiet: bool, state: &str) {
        if quiet {
            return;
        }
        let summary = lock(&self.summary);
        eprintln!(
            "{state}: {} requests, {} failed",
            summary.succeeded(),
            summary.failed()
        );
    }
}
