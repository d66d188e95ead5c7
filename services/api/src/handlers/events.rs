//! `POST /events`

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use nova_domain::{ClientEvent, EventId, EventType, MAX_DWELL_MS, PostId, UserId};
use nova_runtime::ApiConfig;
use nova_stream::StoredEvent;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

use crate::extract::{Body, Errors, Form, Viewer};
use crate::metrics;
use crate::openapi::{problems, tags};
use crate::problem::{FieldError, Kind, Problem};
use crate::state::AppState;

/// Most events in a batch.
const MAX_EVENTS: usize = 500;

/// A batch as a client sends it.
#[derive(Deserialize, ToSchema)]
#[schema(as = EventBatch)]
pub(crate) struct EventsForm {
    #[schema(schema_with = events_schema)]
    events: Vec<EventForm>,
}

/// What happened to a post in front of the viewer.
// Texts, so that every mistake of a batch is told, not only the first.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewEvent)]
pub(crate) struct EventForm {
    #[schema(value_type = EventId)]
    event_id: String,
    #[schema(value_type = EventType)]
    r#type: String,
    #[schema(value_type = PostId)]
    post_id: String,
    #[schema(schema_with = dwell_schema)]
    dwell_ms: Option<i64>,
    /// When, by the client's clock. A time to come counts as now, one more than seven days ago as seven days ago.
    #[schema(value_type = DateTime<Utc>)]
    occurred_at: String,
}

fn events_schema() -> ArrayBuilder {
    ArrayBuilder::new()
        .items(Ref::from_schema_name("NewEvent"))
        .max_items(Some(MAX_EVENTS))
        .description(Some("All are taken, or none."))
}

fn dwell_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(0))
        .maximum(Some(MAX_DWELL_MS))
        .description(Some(
            "Milliseconds on the screen: needed for a dwell event, possible for a view event.",
        ))
}

impl Form for EventsForm {
    type Value = Vec<ClientEvent>;

    fn check(self, errors: &mut Errors) -> Option<Vec<ClientEvent>> {
        if self.events.len() > MAX_EVENTS {
            errors.add(
                "/events",
                &format!(
                    "must have at most {MAX_EVENTS} events, has {}",
                    self.events.len()
                ),
            );
            return None;
        }
        let events: Vec<_> = self
            .events
            .into_iter()
            .enumerate()
            .filter_map(|(index, event)| event.check(index, errors))
            .collect();
        errors.is_empty().then_some(events)
    }

    fn max_bytes(config: &ApiConfig) -> usize {
        config.max_events_body_bytes
    }
}

impl EventForm {
    fn check(self, index: usize, errors: &mut Errors) -> Option<ClientEvent> {
        let at = |field: &str| format!("/events/{index}/{field}");
        let event_id = errors.take(at("event_id"), self.event_id.parse());
        let event_type = errors.take(at("type"), self.r#type.parse());
        let post_id = errors.take(at("post_id"), self.post_id.parse());
        let dwell_ms = match event_type {
            Some(event_type) => errors.take(at("dwell_ms"), dwell(self.dwell_ms, event_type)),
            None => None,
        };
        let occurred_at = errors.take(at("occurred_at"), time(&self.occurred_at));
        Some(ClientEvent {
            event_id: event_id?,
            event_type: event_type?,
            post_id: post_id?,
            dwell_ms: dwell_ms?,
            occurred_at: occurred_at?,
        })
    }
}

fn dwell(given: Option<i64>, event_type: EventType) -> Result<Option<u32>, String> {
    match (given, event_type) {
        (None, EventType::Dwell) => Err("is needed for a dwell event".to_owned()),
        (None, _) => Ok(None),
        (Some(ms), EventType::Dwell | EventType::View) => match u32::try_from(ms) {
            Ok(ms) if ms <= MAX_DWELL_MS => Ok(Some(ms)),
            _ => Err(format!("must be a whole number from 0 to {MAX_DWELL_MS}")),
        },
        (Some(_), _) => Err("is for dwell and view events only".to_owned()),
    }
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| "is not a time as of RFC 3339")?;
    Ok(time.with_timezone(&Utc))
}

/// How many events were taken; an event that stood twice in the batch is one.
#[derive(Serialize, ToSchema)]
#[schema(as = EventsAccepted)]
pub(crate) struct EventsAnswer {
    /// Events that were taken.
    accepted: usize,
}

/// Report what happened in front of the viewer
///
/// Takes a batch of events, all or none. `event_id` is the deduplication key: a batch that is sent again counts once.
/// Events of a deleted post are taken: it was there when they happened.
#[utoipa::path(post, path = "/events", operation_id = "reportEvents", tag = tags::EVENTS,
    request_body(content = EventsForm, description = "The events."),
    responses((status = 202, description = "The events were taken.", body = EventsAnswer)),
    extensions(("x-problems" = json!(problems(&[])))))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Body(events): Body<EventsForm>,
) -> Result<(StatusCode, Json<EventsAnswer>), Problem> {
    let posts = events.iter().map(|event| event.post_id).collect();
    let authors = state.authors.of(&state.social, posts).await?;
    let stored = store(viewer, &events, &authors, Utc::now())
        .map_err(|errors| Problem::new(Kind::Validation).with_errors(errors))?;
    let mut by_type = HashMap::new();
    for event in &stored {
        *by_type.entry(event.event_type).or_insert(0) += 1;
    }
    let accepted = stored.len();
    state.events.publish(stored).await?;
    for (event_type, count) in by_type {
        ::metrics::counter!(metrics::EVENTS, "type" => event_type.as_str()).increment(count);
    }
    Ok((StatusCode::ACCEPTED, Json(EventsAnswer { accepted })))
}

/// What is published: each event once, with its author, its clock clamped to `now`; or every event of a post that does
/// not exist.
fn store(
    viewer: UserId,
    events: &[ClientEvent],
    authors: &HashMap<PostId, UserId>,
    now: DateTime<Utc>,
) -> Result<Vec<StoredEvent>, Vec<FieldError>> {
    let mut seen = HashSet::with_capacity(events.len());
    let (mut stored, mut errors) = (Vec::with_capacity(events.len()), Vec::new());
    for (index, event) in events.iter().enumerate() {
        let Some(&author_id) = authors.get(&event.post_id) else {
            errors.push(FieldError::at(
                format!("/events/{index}/post_id"),
                "there is no such post",
            ));
            continue;
        };
        if seen.insert(event.event_id) {
            stored.push(StoredEvent {
                event_id: event.event_id,
                user_id: viewer,
                event_type: event.event_type,
                post_id: event.post_id,
                author_id,
                dwell_ms: event.dwell_ms,
                occurred_at: event.clamped_time(now),
                received_at: now,
            });
        }
    }
    if errors.is_empty() {
        Ok(stored)
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn event(post_id: PostId, occurred_at: DateTime<Utc>) -> ClientEvent {
        ClientEvent {
            event_id: EventId::generate(),
            event_type: EventType::View,
            post_id,
            dwell_ms: None,
            occurred_at,
        }
    }

    #[test]
    fn dwell_belongs_to_dwell_and_view() {
        assert_eq!(dwell(Some(1_500), EventType::Dwell), Ok(Some(1_500)));
        assert_eq!(dwell(Some(0), EventType::View), Ok(Some(0)));
        assert_eq!(dwell(None, EventType::View), Ok(None));
        for (bad, event_type) in [
            (None, EventType::Dwell),
            (Some(-1), EventType::Dwell),
            (Some(86_400_001), EventType::Dwell),
            (Some(5), EventType::Impression),
        ] {
            assert!(dwell(bad, event_type).is_err(), "{bad:?} {event_type}");
        }
    }

    #[test]
    fn each_event_is_stored_once_with_author_and_clamped_clock() {
        let (viewer, author, post) = (UserId::generate(), UserId::generate(), PostId::generate());
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let future = event(post, now + TimeDelta::hours(1));
        let events = [
            future.clone(),
            future,
            event(post, now - TimeDelta::days(30)),
        ];
        let stored = store(viewer, &events, &HashMap::from([(post, author)]), now).unwrap();
        assert_eq!(stored.len(), 2);
        assert_eq!(stored[0].occurred_at, now);
        assert_eq!(stored[1].occurred_at, now - TimeDelta::days(7));
        assert!(
            stored
                .iter()
                .all(|e| e.user_id == viewer && e.author_id == author && e.received_at == now)
        );
    }

    #[test]
    fn one_unknown_post_refuses_the_batch_and_is_named() {
        let (known, unknown) = (PostId::generate(), PostId::generate());
        let now = Utc::now();
        let events = [event(known, now), event(unknown, now)];
        let errors = store(
            UserId::generate(),
            &events,
            &HashMap::from([(known, UserId::generate())]),
            now,
        )
        .unwrap_err();
        assert_eq!(
            errors,
            [FieldError::at("/events/1/post_id", "there is no such post")]
        );
    }
}
