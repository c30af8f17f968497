//! The events of a run: what each route said to each, and what was sent.

use serde::Serialize;

use crate::http::pages::deliveries::DeliveryView;
use crate::http::pages::words::{self, address, in_path};
use crate::render::context::rfc3339;
use crate::routing::{ConditionVerdict, RouteVerdict};
use crate::store::{EventRow, RunHistory};

#[derive(Debug, Serialize)]
pub(super) struct EventView {
    id: String,
    action: String,
    /// Sentry's own word.
    name: String,
    received_at: String,
    routed: String,
    is_unrouted: bool,
    verdicts: Vec<VerdictView>,
    matched: usize,
    deliveries: Vec<DeliveryView>,
    /// Whether a webhook brought it, and so a payload.
    had_payload: bool,
    /// Whether that is still kept.
    has_payload: bool,
    payload: String,
    replay: String,
}

#[derive(Debug, Serialize)]
struct VerdictView {
    name: String,
    matched: bool,
    to: Vec<String>,
    why: Vec<ConditionView>,
}

#[derive(Debug, Serialize)]
struct ConditionView {
    held: bool,
    text: String,
}

impl EventView {
    /// Tells of an event of a run.
    pub(super) fn of(history: &RunHistory, row: &EventRow) -> Self {
        let event = &row.event;
        let decided = row.decided.as_ref();
        let verdicts =
            decided.map(|decided| decided.table.verdicts(event, &decided.decision, row.issue_unknown));
        let deliveries = history.deliveries.iter().filter(|delivery| delivery.event_id == event.id);
        let id = event.id.to_string();
        let deliveries: Vec<DeliveryView> =
            deliveries.map(|delivery| DeliveryView::of(history, delivery)).collect();
        Self {
            action: words::action(&event.action, &event.resource),
            name: event.action.shown(&event.resource),
            received_at: rfc3339(event.received_at),
            routed: routed(row),
            is_unrouted: row.routes.as_ref().is_some_and(Vec::is_empty) && deliveries.is_empty(),
            matched: row.routes.as_ref().map_or(0, Vec::len),
            verdicts: verdicts.iter().flatten().map(VerdictView::from).collect(),
            deliveries,
            had_payload: !event.is_notice(),
            has_payload: history.payloads.contains(&event.id),
            payload: format!("/events/{}/payload", in_path(&id)),
            replay: address("/replay", [("id", id.as_str())]),
            id,
        }
    }
}

/// Says by which routes an event went.
fn routed(row: &EventRow) -> String {
    let unknown = if row.issue_unknown { " (the issue was not known)" } else { "" };
    match row.routes.as_deref() {
        None => "waits to be routed".to_owned(),
        Some([]) => format!("no route{unknown}"),
        Some(names) => format!("by {}{unknown}", names.join(", ")),
    }
}

impl From<&RouteVerdict> for VerdictView {
    fn from(verdict: &RouteVerdict) -> Self {
        Self {
            name: verdict.name.clone(),
            matched: verdict.matched,
            to: verdict.to.iter().map(ToString::to_string).collect(),
            why: verdict.why.iter().map(ConditionView::from).collect(),
        }
    }
}

impl From<&ConditionVerdict> for ConditionView {
    fn from(verdict: &ConditionVerdict) -> Self {
        let ConditionVerdict { condition, pattern, value, held, note } = verdict;
        let value = value.as_deref().unwrap_or("unknown");
        let text = match *condition {
            "stop" => format!("not read: route “{pattern}” ended the reading"),
            "otherwise" if *held => "otherwise: no route above matched".to_owned(),
            "otherwise" => format!("otherwise: route “{value}” above matched"),
            "not" => format!("not {{ {pattern} }}: it is {value}"),
            "action" if pattern.is_empty() => {
                format!("action is {value}, which only a route that names it gets")
            }
            other if *held => format!("{other} is {value}, as {pattern} asks"),
            other => format!("{other} is {value}, and not {pattern}"),
        };
        let note = note.map(|_| " (the issue was not known)").unwrap_or_default();
        Self { held: *held, text: text + note }
    }
}
