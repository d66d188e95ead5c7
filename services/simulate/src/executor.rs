//! Carries the plans out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{Timelike as _, Utc};
use nova_domain::{ClientEvent, EventId, EventType, PostId, UserId};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::client::{Answer, ApiClient, ClientError, Request, body};
use crate::options::SimulateOptions;
use crate::pacer::Pacer;
use crate::plans::{Plan, PlanKind, Plans, PostPlan};
use crate::population::{Person, Population};
use crate::reaction::react;
use crate::summary::{Action, SimulateSummary};

const PAGE: usize = 20;
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
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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

struct Simulation {
    client: ApiClient,
    population: Population,
    pacer: Pacer,
    summary: Mutex<SimulateSummary>,
    seed: u64,
    stop: CancellationToken,
}

/// What the simulation reads of a feed.
#[derive(Deserialize)]
struct Feed {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    post_id: PostId,
    author_id: UserId,
    #[serde(default)]
    duration_ms: u32,
    #[serde(default)]
    viewer: Viewer,
}

#[derive(Default, Deserialize)]
struct Viewer {
    liked: bool,
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

    async fn carry_out(&self, plan: &Plan) {
        let Some(person) = self.population.people.get(plan.person) else {
            return;
        };
        match &plan.kind {
            PlanKind::Browse => self.browse(person).await,
            PlanKind::Post(post) => {
                self.pacer.slot().await;
                // Another run of the same seed makes the same plans, and new posts.
                self.post(person, post, Uuid::new_v4()).await;
            }
            PlanKind::Follow(other) => {
                self.pacer.slot().await;
                self.follow(person, *other).await;
            }
            PlanKind::Unfollow(other) => {
                self.pacer.slot().await;
                if let Some(other) = self.population.people.get(*other) {
                    let path = format!("users/{}/follow", other.id);
                    let request = Request::new(Method::DELETE, path);
                    self.send(Action::Unfollow, person.id, request).await;
                }
            }
        }
    }

    /// Reads a page of the feed, reports what was seen, and reacts.
    async fn browse(&self, person: &Person) {
        self.pacer.slot().await;
        let request = Request::new(Method::GET, format!("feed?limit={PAGE}"));
        let Some(answer) = self.send(Action::Feed, person.id, request).await else {
            return;
        };
        let Ok(feed) = answer.response.json::<Feed>().await else {
            self.note_failure(Action::Feed, "not a feed".to_owned());
            return;
        };
        let seen: Vec<_> = feed
            .items
            .iter()
            .map(|item| {
                (
                    item,
                    react(self.seed, person.id, item.post_id, item.duration_ms),
                )
            })
            .collect();
        let mut events = Vec::new();
        for (item, reaction) in &seen {
            events.push(event(item, EventType::Impression, None));
            if reaction.view {
                events.push(event(item, EventType::View, None));
            }
            events.push(event(item, EventType::Dwell, Some(reaction.dwell_ms)));
            if reaction.share {
                events.push(event(item, EventType::Share, None));
            }
        }
        self.report(person, &events).await;
        for (item, reaction) in seen {
            if self.stop.is_cancelled() {
                return;
            }
            if reaction.like && !item.viewer.liked {
                self.pacer.slot().await;
                let request = Request::new(Method::PUT, format!("posts/{}/like", item.post_id));
                self.send(Action::Like, person.id, request).await;
            }
            if let Some(remark) = reaction.comment {
                self.comment(person, item, remark).await;
            }
            if reaction.follow && item.author_id != person.id {
                self.pacer.slot().await;
                let path = format!("users/{}/follow", item.author_id);
                self.send(Action::Follow, person.id, Request::new(Method::PUT, path))
                    .await;
            }
        }
    }

    async fn report(&self, person: &Person, events: &[ClientEvent]) {
        if events.is_empty() {
            return;
        }
        self.pacer.slot().await;
        let batch = body(json!({ "events": events }));
        let mut request = Request::new(Method::POST, "events");
        request.body = Some(&batch);
        if self
            .send(Action::Events, person.id, request)
            .await
            .is_none()
        {
            return;
        }
        let mut types: BTreeMap<&'static str, u64> = BTreeMap::new();
        for event in events {
            *types.entry(event.event_type.as_str()).or_default() += 1;
        }
        let mut summary = lock(&self.summary);
        for (name, count) in types {
            *summary.events.entry(name).or_default() += count;
        }
    }

    /// A comment on the same post by the same person is the same request: seeing a post again does not repeat it.
    async fn comment(&self, person: &Person, item: &Item, remark: &str) {
        self.pacer.slot().await;
        let body = json!({ "body": remark });
        let mut request = Request::new(Method::POST, format!("posts/{}/comments", item.post_id));
        request.body = Some(&body);
        request.idempotency_key = Some(Uuid::new_v5(
            &person.id.uuid(),
            item.post_id.uuid().as_bytes(),
        ));
        self.send(Action::Comment, person.id, request).await;
    }

    async fn follow(&self, person: &Person, followee: usize) {
        let Some(followee) = self.population.people.get(followee) else {
            return;
        };
        let path = format!("users/{}/follow", followee.id);
        self.send(Action::Follow, person.id, Request::new(Method::PUT, path))
            .await;
    }

    async fn post(&self, author: &Person, plan: &PostPlan, key: Uuid) {
        let post = json!({
            "caption": plan.caption,
            "media_url": format!("https://media.example/simulated/{}.mp4", plan.key),
            "media_type": "video",
            "duration_ms": plan.duration_ms,
            "visibility": "public",
        });
        let mut request = Request::new(Method::POST, "posts");
        request.body = Some(&post);
        request.idempotency_key = Some(key);
        self.send(Action::Post, author.id, request).await;
    }

    async fn send(&self, action: Action, user: UserId, request: Request<'_>) -> Option<Answer> {
        let mut retries = 0;
        let result = self.client.send(user, &request, &mut retries).await;
        let mut summary = lock(&self.summary);
        let outcomes = summary.actions.entry(action).or_default();
        outcomes.retries += retries;
        match result {
            Ok(answer) => {
                outcomes.succeeded(answer.took);
                Some(answer)
            }
            Err(error) => {
                *outcomes.failed.entry(error.to_string()).or_default() += 1;
                None
            }
        }
    }

    fn note_failure(&self, action: Action, why: String) {
        let mut summary = lock(&self.summary);
        let outcomes = summary.actions.entry(action).or_default();
        *outcomes.failed.entry(why).or_default() += 1;
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

fn event(item: &Item, event_type: EventType, dwell_ms: Option<u32>) -> ClientEvent {
    ClientEvent {
        event_id: EventId::generate(),
        event_type,
        post_id: item.post_id,
        dwell_ms,
        occurred_at: Utc::now(),
    }
}
