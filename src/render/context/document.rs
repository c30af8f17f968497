//! The documented JSON: what a program gets, written from what is known without a copy in between.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Links;
use super::view::{self, Data};
use crate::delivery::StandsFor;
use crate::event::{Action, Artifacts, Event};
use crate::issue::Issue;
use crate::run::Run;

/// The type of a digest.
const DIGEST: &str = "relay.digest";

/// What a context is about.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// An event.
    Event(Box<Facts>),
    /// What is told as a whole: a digest.
    Value(Value),
}

/// What is known of an event.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// Of its artifacts, what the relay itself noticed; the rest is in the run.
    event: Event,
    run: Run,
    issue: Option<Issue>,
    links: Links,
    replay: bool,
    pub(super) stands_for: Option<StandsFor>,
}

impl Facts {
    pub(super) fn new(event: &Event, run: Run, issue: Option<&Issue>, links: &Links, replay: bool) -> Self {
        let Artifacts { silence, destination, .. } = &event.artifacts;
        let artifacts =
            Artifacts { silence: silence.clone(), destination: destination.clone(), ..Artifacts::default() };
        let event = Event {
            id: event.id.clone(),
            organization: event.organization.clone(),
            resource: event.resource.clone(),
            action: event.action.clone(),
            run_id: event.run_id.clone(),
            sentry_run_id: event.sentry_run_id.clone(),
            group_id: event.group_id.clone(),
            iteration: event.iteration,
            received_at: event.received_at,
            sent_at: event.sent_at,
            artifacts,
        };
        Self { event, run, issue: issue.cloned(), links: links.clone(), replay, stands_for: None }
    }

    pub(super) fn view(&self) -> Data<'_> {
        let Self { event, run, issue, links, replay, stands_for } = self;
        Data::new(event, run, issue.as_ref(), links, *replay).standing_for(stands_for.as_ref())
    }
}

/// `data` of the documented webhook body, ready to be written.
#[derive(Debug, Clone)]
pub struct Document {
    subject: Subject,
    payload: Option<Box<RawValue>>,
}

impl Document {
    pub(super) fn new(subject: Subject, payload: Option<Box<RawValue>>) -> Self {
        Self { subject, payload }
    }

    /// Returns what stands beside it in the envelope.
    pub fn head(&self) -> Head<'_> {
        match &self.subject {
            Subject::Event(facts) => {
                let Event { id, action, resource, received_at, .. } = &facts.event;
                Head {
                    kind: action.full_name(resource),
                    id: Some(id.as_str()),
                    timestamp: Some(Cow::Owned(view::time(*received_at))),
                }
            }
            Subject::Value(value) => Head::of(value),
        }
    }

    /// Returns it as a value.
    pub fn value(&self) -> Value {
        // What it is made of can always be written.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// What a document is about, and since when it holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The event's whole name, or a digest's.
    pub kind: String,
    /// The relay's id of the event, or of the digest.
    pub id: Option<&'a str>,
    /// When the event was received, or up to when the digest gathered.
    pub timestamp: Option<Cow<'a, str>>,
}

impl<'a> Head<'a> {
    fn of(document: &'a Value) -> Self {
        let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
        let (kind, id, timestamp) = if document.get("digest").is_some() {
            (DIGEST.to_owned(), "/digest/id", "/digest/until")
        } else {
            let action = Action::from_name(text("/event/action").unwrap_or("unknown"));
            let kind = action.full_name(text("/event/resource").unwrap_or_default());
            (kind, "/event/id", "/event/received_at")
        };
        Self { kind, id: text(id), timestamp: text(timestamp).map(Cow::Borrowed) }
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self { subject: Subject::Value(value), payload: None }
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.subject {
            Subject::Event(facts) => facts.view().with_payload(self.payload.as_deref()).serialize(serializer),
            Subject::Value(value) => value.serialize(serializer),
        }
    }
}
