//! Accounts as JSON: of an event why it was routed so, of a delivery each attempt and what it waits for.

use serde_json::{Value, json};

use super::{DeliveryJson, EventJson, RunSummary, fields};
use crate::delivery::Origin;
use crate::render::context::{Links, issue_document, rfc3339};
use crate::routing::SetFrom;
use crate::run::Outline;
use crate::store::{
    Account, Decided, DeliveryRow, EventHistory, EventRow, MadeBy, Needless, RunHistory, Try,
};

/// Returns one event with everything that was written down of it; `None` where its run does not hold it.
pub fn event_history(found: &EventHistory, links: &Links) -> Option<Value> {
    let history = &found.history;
    let row = history.events.iter().find(|row| row.event.id == found.event)?;
    let deliveries = history.deliveries.iter().filter(|each| each.event_id == found.event);
    let mut document = fields(event(row));
    document.extend(fields(json!({
        "run": RunSummary::from(&Outline::from(&history.run)),
        "issue": issue_document(&history.run, history.issue.as_ref(), links),
        "deliveries": deliveries.map(|row| delivery(history, row)).collect::<Vec<_>>(),
    })));
    Some(Value::Object(document))
}

/// Returns an event as a list shows it, and what every route said to it: null where that was not written down.
pub(super) fn event(row: &EventRow) -> Value {
    let mut document = fields(json!(EventJson::from(row)));
    let verdicts = row
        .decided
        .as_ref()
        .map(|decided| decided.table.verdicts(&row.event, &decided.decision, row.issue_unknown));
    document.extend(fields(json!({
        "sent_at": row.event.sent_at.map(rfc3339),
        "reasons": verdicts,
    })));
    Value::Object(document)
}

/// Returns a delivery as a list shows it, with its account.
pub(super) fn delivery(history: &RunHistory, row: &DeliveryRow) -> Value {
    let mut document = fields(json!(DeliveryJson::from(row)));
    if let Some(account) = history.accounts.get(&row.id) {
        let set = set(history, row, account);
        let (by, told_by, superseded_by) = needless(account.needless.as_ref());
        document.extend(fields(json!({
            "origin": account.origin,
            "template_set": set.as_ref().map(|(set, _)| set),
            "template_set_from": set.as_ref().map(|(_, from)| from.as_str()),
            "finished_at": account.finished_at.map(rfc3339),
            "behind": account.behind,
            "paused_until": account.paused_until.map(rfc3339),
            "gone_since": account.gone_since.map(rfc3339),
            "needless": by,
            "told_by": told_by,
            "superseded_by": superseded_by,
            "tries": account.tries.iter().map(attempt).collect::<Vec<_>>(),
        })));
    }
    Value::Object(document)
}

/// Returns the template set by which a delivery was to be made when it was planned, and who asked for it.
pub fn set(history: &RunHistory, row: &DeliveryRow, account: &Account) -> Option<(String, SetFrom)> {
    let event = history.events.iter().find(|event| event.event.id == row.event_id)?;
    let planned = event.decided.as_ref().and_then(|Decided { table, decision }| {
        if account.origin == Origin::Fallback {
            // What a route asks for was written for where it sends to.
            return Some((table.own_set(&row.destination)?, SetFrom::Destination));
        }
        table.set_for(decision, &row.destination, row.part)
    });
    match (&account.template_set, planned) {
        (Some(set), Some((known, from))) if set == known => Some((set.clone(), from)),
        // It was planned by another event of its run, or the event was routed anew meanwhile.
        (Some(set), _) => Some((set.clone(), SetFrom::Route(String::new()))),
        (None, Some((set, SetFrom::Destination))) => Some((set.to_owned(), SetFrom::Destination)),
        (None, _) => None,
    }
}

/// The word for why a delivery was superseded, the event that told the same, and the delivery that took its place.
fn needless(why: Option<&Needless>) -> (Option<&'static str>, Option<&str>, Option<&str>) {
    match why {
        None => (None, None, None),
        Some(Needless::Late) => (Some("late"), None, None),
        Some(Needless::ToldBy(event)) => (Some("told_by"), Some(event.as_str()), None),
        Some(Needless::NewerCard(delivery)) => (Some("newer_card"), None, Some(delivery.as_str())),
        Some(Needless::NothingNew) => (Some("nothing_new"), None, None),
        // Beside the word stands what the mute did, and the ids of the other deliveries.
        Some(Needless::Dropped) => (Some("dropped"), None, None),
        Some(Needless::TakenOver) => (Some("taken_over"), None, None),
        Some(Needless::Gathered) => (Some("gathered"), None, None),
    }
}

fn attempt(attempt: &Try) -> Value {
    let (template, built_in) = match &attempt.template {
        MadeBy::BuiltIn => (None, Some(true)),
        MadeBy::Template(path) => (Some(path), Some(false)),
        MadeBy::Unknown => (None, None),
    };
    json!({
        "attempt": attempt.number,
        "started_at": rfc3339(attempt.started_at),
        "seconds": attempt.duration.as_secs_f64(),
        "rung": attempt.rung,
        "status": attempt.status,
        "reason": attempt.reason,
        "words": attempt.words,
        "template": template,
        "built_in": built_in,
    })
}
