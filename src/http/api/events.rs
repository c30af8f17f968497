//! Events as JSON: a row of a run's history, and why an event was routed as it was.

use schemars::JsonSchema;
use serde::Serialize;

use super::{RunSummary, ToldDeliveryJson};
use crate::render::context::{IssueData, Links, issue_document, rfc3339};
use crate::routing::RouteVerdict;
use crate::run::Outline;
use crate::store::{EventHistory, EventRow};

/// One event in a run's history.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ListedEvent")]
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

/// An event as a list shows it, and what every route said to it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub struct ToldEventJson {
    /// What it is.
    #[serde(flatten)]
    pub event: EventJson,
    /// When Sentry says that it sent it.
    pub sent_at: Option<String>,
    /// What every route said to it when it was routed; null where that was not written down.
    pub reasons: Option<Vec<RouteVerdict>>,
}

impl From<&EventRow> for ToldEventJson {
    fn from(row: &EventRow) -> Self {
        let decided = row.decided.as_ref();
        Self {
            event: EventJson::from(row),
            sent_at: row.event.sent_at.map(rfc3339),
            reasons: decided
                .map(|decided| decided.table.verdicts(&row.event, &decided.decision, row.issue_unknown)),
        }
    }
}

/// One event with everything that was written down of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "EventHistory")]
pub struct EventHistoryJson<'a> {
    /// What it is.
    #[serde(flatten)]
    pub event: ToldEventJson,
    /// Its run, as that is now.
    pub run: RunSummary,
    /// What is analysed.
    pub issue: IssueData<'a>,
    /// Its deliveries, in the order of planning.
    pub deliveries: Vec<ToldDeliveryJson<'a>>,
}

/// Returns one event with everything that was written down of it; `None` where its run does not hold it.
pub fn event_history<'a>(found: &'a EventHistory, links: &Links) -> Option<EventHistoryJson<'a>> {
    let history = &found.history;
    let row = history.events.iter().find(|row| row.event.id == found.event)?;
    let deliveries = history.deliveries.iter().filter(|each| each.event_id == found.event);
    Some(EventHistoryJson {
        event: ToldEventJson::from(row),
        run: RunSummary::from(&Outline::from(&history.run)),
        issue: issue_document(&history.run, history.issue.as_ref(), links),
        deliveries: deliveries.map(|row| ToldDeliveryJson::of(history, row)).collect(),
    })
}
