//! Deliveries as JSON: a row of a list, and its account: each attempt and what it waits for.

use schemars::JsonSchema;
use serde::Serialize;

use crate::delivery::{DeliveryId, DeliveryState, DestinationKind, Muting, Origin, Part, Reason, Rung};
use crate::render::context::rfc3339;
use crate::routing::SetFrom;
use crate::store::{Account, Decided, DeliveryRow, MadeBy, Needless, RunHistory, Try};

/// One delivery in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ListedDelivery")]
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
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Muted")]
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

/// A delivery as a list shows it, with its account.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct ToldDeliveryJson<'a> {
    /// What it is.
    #[serde(flatten)]
    pub delivery: DeliveryJson,
    /// What was written down of it.
    #[serde(flatten)]
    pub account: Option<AccountJson<'a>>,
}

/// What was written down of a delivery beside its row in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub struct AccountJson<'a> {
    /// Where it came from.
    pub origin: Origin,
    /// The template set by which it was to be made when it was planned.
    pub template_set: Option<String>,
    /// Who asked for that: `route` or `destination`.
    pub template_set_from: Option<&'static str>,
    /// When it was delivered, superseded or became a dead letter.
    pub finished_at: Option<String>,
    /// While it waits for another one of its run and destination: that one.
    pub behind: Option<&'a str>,
    /// While it waits: until when its destination is to be left alone.
    pub paused_until: Option<String>,
    /// While it waits: since when its destination no longer exists.
    pub gone_since: Option<String>,
    /// Why it was superseded: `late` (it tells of a beginning whose end was told), `told_by` (another event tells the
    /// same), `newer_card`, `nothing_new`, `dropped` (by a mute), `taken_over` (by a fallback), `gathered` (in a digest).
    pub needless: Option<&'static str>,
    /// The event that told the same.
    pub told_by: Option<&'a str>,
    /// The delivery that took its place.
    pub superseded_by: Option<&'a str>,
    /// Every attempt, in order.
    pub tries: Vec<AttemptJson<'a>>,
}

/// One attempt of a delivery.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Attempt")]
pub struct AttemptJson<'a> {
    /// From 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Which form of the message was tried.
    pub rung: Rung,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Why it failed; null where it succeeded.
    pub reason: Option<Reason>,
    /// The platform's own words, cut and free of secrets.
    pub words: Option<&'a str>,
    /// The template of the team's own that made the message, as a path in the templates folder.
    pub template: Option<&'a str>,
    /// Whether a template that came with the relay made it; null where that was not written down.
    pub built_in: Option<bool>,
}

impl<'a> ToldDeliveryJson<'a> {
    /// Returns a delivery of this run with its account.
    pub(super) fn of(history: &'a RunHistory, row: &'a DeliveryRow) -> Self {
        let account = history.accounts.get(&row.id);
        Self {
            delivery: DeliveryJson::from(row),
            account: account.map(|account| AccountJson::of(history, row, account)),
        }
    }
}

impl<'a> AccountJson<'a> {
    fn of(history: &RunHistory, row: &DeliveryRow, account: &'a Account) -> Self {
        let (set, from) = set(history, row, account).unzip();
        let (needless, told_by, superseded_by) = needless(account.needless.as_ref());
        Self {
            origin: account.origin,
            template_set: set,
            template_set_from: from.as_ref().map(SetFrom::as_str),
            finished_at: account.finished_at.map(rfc3339),
            behind: account.behind.as_ref().map(DeliveryId::as_str),
            paused_until: account.paused_until.map(rfc3339),
            gone_since: account.gone_since.map(rfc3339),
            needless,
            told_by,
            superseded_by,
            tries: account.tries.iter().map(AttemptJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Try> for AttemptJson<'a> {
    fn from(attempt: &'a Try) -> Self {
        let (template, built_in) = match &attempt.template {
            MadeBy::BuiltIn => (None, Some(true)),
            MadeBy::Template(path) => (Some(path.as_str()), Some(false)),
            MadeBy::Unknown => (None, None),
        };
        Self {
            attempt: attempt.number,
            started_at: rfc3339(attempt.started_at),
            seconds: attempt.duration.as_secs_f64(),
            rung: attempt.rung,
            status: attempt.status,
            reason: attempt.reason,
            words: attempt.words.as_deref(),
            template,
            built_in,
        }
    }
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
