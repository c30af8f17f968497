//! History as JSON: the same shapes for `--json` and for the API.
//!
//! Knows neither the store's tables nor who asks.

mod account;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::delivery::{DeliveryState, DestinationKind, Muting, Part, Reason};
use crate::event::{PullRequest, Stage};
use crate::render::context::{Links, issue_document, rfc3339, run_document};
use crate::run::{Outline, RunState, StageOutline, StageState};
use crate::store::{DeliveryRow, EventRow, Replayed, RunHistory, RunRow};

pub use self::account::{event_history, set};

/// One run in a list.
#[derive(Debug, Clone, Serialize)]
pub struct RunJson {
    /// What it is.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// What people call its issue, where that is known.
    pub short_id: Option<String>,
    /// The title of its issue, where that is known.
    pub title: Option<String>,
    /// What Seer says is to be done about the cause.
    pub classification: Option<String>,
    /// How far each of its four stages is.
    pub stages: [StageJson; 4],
    /// Its pull requests.
    pub pull_requests: Vec<PullRequestJson>,
    /// How many events it has.
    pub events: u64,
    /// How many deliveries it has.
    pub deliveries: u64,
    /// How many of them are dead letters.
    pub dead: u64,
}

/// One stage in a list.
#[derive(Debug, Clone, Serialize)]
pub struct StageJson {
    /// Which one.
    pub stage: Stage,
    /// How far it is.
    pub state: StageState,
    /// When it began last.
    pub started_at: Option<String>,
    /// When it ended last.
    pub completed_at: Option<String>,
}

/// One pull request in a list.
#[derive(Debug, Clone, Serialize)]
pub struct PullRequestJson {
    /// The repository.
    pub repo: Option<String>,
    /// Its number.
    pub number: Option<u64>,
    /// Its address.
    pub url: Option<String>,
    /// Whether opening it failed.
    pub failed: bool,
    /// True once it waits for a review.
    pub ready: Option<bool>,
}

impl From<&RunRow> for RunJson {
    fn from(row: &RunRow) -> Self {
        let issue = row.issue.as_ref();
        let stage = |stage: &StageOutline| StageJson {
            stage: stage.stage,
            state: stage.state,
            started_at: stage.started_at.map(rfc3339),
            completed_at: stage.completed_at.map(rfc3339),
        };
        let pull_request = |each: &PullRequest| PullRequestJson {
            repo: each.repo.clone(),
            number: each.number,
            url: each.url.clone(),
            failed: each.failed,
            ready: each.ready,
        };
        Self {
            summary: RunSummary::from(&row.run),
            short_id: issue.and_then(|issue| issue.short_id.clone()),
            title: issue.and_then(|issue| issue.title.clone()),
            classification: row.run.classification.clone(),
            stages: row.run.stages.each_ref().map(stage),
            pull_requests: row.run.pull_requests.iter().map(pull_request).collect(),
            events: row.events,
            deliveries: row.deliveries,
            dead: row.dead,
        }
    }
}

/// What a list and a history say of a run alike.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// As it is shown: `acme/12345`.
    pub id: String,
    /// Whose it is.
    pub organization: String,
    /// Sentry's id, where it is known.
    pub run_id: Option<String>,
    /// The issue, where it is known.
    pub group_id: Option<String>,
    /// How far it has come.
    pub state: RunState,
    /// The repositories it names.
    pub repos: Vec<String>,
    /// When its first event was received.
    pub started_at: String,
    /// When its newest event was received.
    pub updated_at: String,
}

impl From<&Outline> for RunSummary {
    fn from(run: &Outline) -> Self {
        Self {
            id: run.label(),
            organization: run.organization.to_string(),
            run_id: run.run_id.as_ref().map(ToString::to_string),
            group_id: run.group_id.as_ref().map(ToString::to_string),
            state: run.state,
            repos: run.repos.clone(),
            started_at: rfc3339(run.started_at),
            updated_at: rfc3339(run.updated_at),
        }
    }
}

/// One event in a run's history.
#[derive(Debug, Clone, Serialize)]
pub struct EventJson {
    /// The relay's id.
    pub id: String,
    /// What it announced.
    pub action: String,
    /// When it was received.
    pub received_at: String,
    /// Names of the routes that matched; empty for "no route", and while it waits to be routed.
    pub routes: Vec<String>,
    /// Whether it was routed yet.
    pub routed: bool,
    /// Whether a route asked for the issue, which was not known in time: no condition on it held.
    pub issue_unknown: bool,
    /// When it was routed last.
    pub planned_at: Option<String>,
    /// How often it was routed anew because somebody replayed it.
    pub replays: u32,
}

impl From<&EventRow> for EventJson {
    fn from(row: &EventRow) -> Self {
        Self {
            id: row.event.id.to_string(),
            action: row.event.action.shown(&row.event.resource),
            received_at: rfc3339(row.event.received_at),
            routes: row.routes.clone().unwrap_or_default(),
            routed: row.routes.is_some(),
            issue_unknown: row.issue_unknown,
            planned_at: row.planned_at.map(rfc3339),
            replays: row.replays,
        }
    }
}

/// One delivery in a list.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryJson {
    /// The relay's id.
    pub id: String,
    /// Its event.
    pub event_id: String,
    /// Its run, as it is shown: `acme/12345`.
    pub run: String,
    /// Whose it is.
    pub organization: String,
    /// Sentry's run id, where it is known.
    pub run_id: Option<String>,
    /// What the event announced.
    pub action: String,
    /// Which of the event's messages there it is.
    pub part: Part,
    /// Where it goes.
    pub destination: String,
    /// What kind of service that is.
    pub kind: DestinationKind,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts made.
    pub attempts: u32,
    /// The HTTP status of the last attempt.
    pub last_status: Option<u16>,
    /// Why the last attempt failed or the delivery died.
    pub last_reason: Option<Reason>,
    /// When it was planned.
    pub created_at: String,
    /// When it is tried next.
    pub next_attempt_at: Option<String>,
    /// When it was delivered.
    pub delivered_at: Option<String>,
    /// Why it was held back or dropped, where a mute did that.
    pub muted: Option<MutedJson>,
    /// Until when mutes hold it back, itself or what stands before it.
    pub held_until: Option<String>,
    /// Whom it mentions, in the words of the routing file.
    pub mentions: Vec<String>,
    /// The delivery that it repeats.
    pub replay_of: Option<String>,
    /// The delivery that repeats it.
    pub replayed_by: Option<String>,
    /// The delivery that it stands for: that one's destination did not take it.
    pub fallback_for: Option<String>,
    /// The delivery that stands for it, at the destination's fallback.
    pub fallback_by: Option<String>,
    /// The digest that it is told in, or that it repeats: the delivery that was opened for it.
    pub digest: Option<String>,
    /// Where a digest was opened for it: how many events are in that.
    pub gathered: Option<u64>,
}

/// What a mute did to a delivery.
#[derive(Debug, Clone, Serialize)]
pub struct MutedJson {
    /// The names of the mutes that were in force.
    pub by: Vec<String>,
    /// When they end.
    pub until: String,
    /// The time zone by whose clock they end.
    pub timezone: String,
    /// Whether it is not sent at all.
    pub dropped: bool,
}

impl From<&Muting> for MutedJson {
    fn from(muting: &Muting) -> Self {
        let Muting { by, until, timezone, dropped } = muting.clone();
        Self { by, until: rfc3339(until), timezone, dropped }
    }
}

impl From<&DeliveryRow> for DeliveryJson {
    fn from(row: &DeliveryRow) -> Self {
        Self {
            id: row.id.to_string(),
            event_id: row.event_id.to_string(),
            run: row.run.clone(),
            organization: row.organization.to_string(),
            run_id: row.run_id.clone(),
            action: row.action.clone(),
            part: row.part,
            destination: row.destination.to_string(),
            kind: row.kind,
            state: row.state,
            attempts: row.attempts,
            last_status: row.last_status,
            last_reason: row.last_reason,
            created_at: rfc3339(row.created_at),
            next_attempt_at: row.next_attempt_at.map(rfc3339),
            delivered_at: row.delivered_at.map(rfc3339),
            muted: row.muting.as_ref().map(MutedJson::from),
            held_until: row.held_until.map(rfc3339),
            mentions: row.mentions.iter().map(ToString::to_string).collect(),
            replay_of: row.replay_of.as_ref().map(ToString::to_string),
            replayed_by: row.replayed_by.as_ref().map(ToString::to_string),
            fallback_for: row.fallback_for.as_ref().map(|(id, _)| id.to_string()),
            fallback_by: row.fallback_by.as_ref().map(|(id, _)| id.to_string()),
            digest: row.digest.as_ref().map(ToString::to_string),
            gathered: row.gathered,
        }
    }
}

/// Returns one run with its history: the fields of the list, what is known of it, its events and its deliveries.
pub fn run_history(history: &RunHistory, links: &Links) -> Value {
    let dead = history.deliveries.iter().filter(|row| row.state == DeliveryState::Dead).count();
    let events: Vec<Value> = history.events.iter().map(account::event).collect();
    let deliveries: Vec<Value> =
        history.deliveries.iter().map(|row| account::delivery(history, row)).collect();
    let mut document = fields(run_document(&history.run));
    document.extend(fields(json!(RunSummary::from(&Outline::from(&history.run)))));
    let issue = issue_document(&history.run, history.issue.as_ref(), links);
    document.insert("issue".to_owned(), issue);
    document.extend(fields(json!({ "events": events, "deliveries": deliveries, "dead": dead })));
    Value::Object(document)
}

/// Returns what a replay queued.
pub fn replayed(replayed: &Replayed) -> Value {
    let deliveries: Vec<_> =
        replayed.deliveries.iter().map(|(old, new)| json!({ "replay_of": old, "id": new })).collect();
    json!({ "deliveries": deliveries, "events": replayed.events })
}

/// Returns the fields of a document.
fn fields(document: Value) -> Map<String, Value> {
    match document {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
