//! What a person does, as requests to the API.

use std::collections::BTreeMap;

use chrono::Utc;
use nova_domain::{ClientEvent, EventId, EventType, PostId, UserId};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::client::{Answer, Request, body};
use crate::executor::{Simulation, lock};
use crate::plans::{Plan, PlanKind, PostPlan};
use crate::population::Person;
use crate::reaction::react;
use crate::summary::Action;

const PAGE: usize = 20;

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
    pub(crate) async fn carry_out(&self, plan: &Plan) {
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

    pub(crate) async fn follow(&self, person: &Person, followee: usize) {
        let Some(followee) = self.population.people.get(followee) else {
            return;
        };
        let path = format!("users/{}/follow", followee.id);
        self.send(Action::Follow, person.id, Request::new(Method::PUT, path))
            .await;
    }

    pub(crate) async fn post(&self, author: &Person, plan: &PostPlan, key: Uuid) {
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

    pub(crate) async fn send(
        &self,
        action: Action,
        user: UserId,
        request: Request<'_>,
    ) -> Option<Answer> {
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
