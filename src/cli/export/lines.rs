//! The lines of an export: an event with its deliveries as JSON, or as a row of CSV with the deliveries summed up.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::delivery::{DeliveryState, DestinationKind, Origin, Part, Reason};
use crate::event::{GroupId, PullRequest, RunId, SentryRunId};
use crate::http::api::{DeliveryJson, MutedJson};
use crate::render::context::rfc3339;
use crate::sheet::{Cell, Sheet};
use crate::store::{ExportedDelivery, ExportedEvent};

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON object for each event.
    JsonLines,
    /// One row for each event.
    Csv,
}

impl Format {
    /// Reads its word.
    pub(super) fn parse(word: &str) -> Result<Self, String> {
        match word {
            "jsonl" => Ok(Self::JsonLines),
            "csv" => Ok(Self::Csv),
            _ => Err("expected `jsonl` or `csv`".to_owned()),
        }
    }
}

/// What stands between several values in a cell.
const SEPARATOR: &str = ", ";

/// The first row of the CSV.
pub(super) const COLUMNS: [&str; 34] = [
    "id",
    "received_at",
    "sent_at",
    "organization",
    "run",
    "run_id",
    "sentry_run_id",
    "group_id",
    "issue_short_id",
    "issue_title",
    "resource",
    "action",
    "iteration",
    "repos",
    "classification",
    "pull_requests",
    "pull_requests_opened",
    "routed",
    "routes",
    "issue_unknown",
    "planned_at",
    "deliveries",
    "delivered",
    "waiting",
    "sending",
    "superseded",
    "dead",
    "attempts",
    "destinations",
    "delivered_to",
    "dead_to",
    "reasons",
    "first_delivered_at",
    "last_delivered_at",
];

/// Lines that were made and not taken yet.
pub(super) enum Lines {
    /// JSON.
    Json(Vec<u8>),
    /// CSV.
    Csv(Box<Sheet>),
}

impl Lines {
    /// Begins; CSV with its head.
    pub(super) fn new(format: Format) -> Self {
        match format {
            Format::JsonLines => Self::Json(Vec::new()),
            Format::Csv => {
                let mut sheet = Sheet::default();
                sheet.add(COLUMNS.map(Cell::from));
                Self::Csv(Box::new(sheet))
            }
        }
    }

    /// Adds an event.
    pub(super) fn add(&mut self, event: &ExportedEvent) {
        match self {
            Self::Json(text) => {
                // Writing into memory does not fail.
                let _ = serde_json::to_writer(&mut *text, &EventLine::of(event));
                text.push(b'\n');
            }
            Self::Csv(sheet) => sheet.add(row(event)),
        }
    }

    /// Takes what was added.
    pub(super) fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Json(text) => std::mem::take(text),
            Self::Csv(sheet) => sheet.take(),
        }
    }
}

/// An event with its deliveries.
#[derive(Serialize)]
struct EventLine<'a> {
    id: &'a str,
    received_at: String,
    sent_at: Option<String>,
    organization: &'a str,
    run: Option<&'a str>,
    run_id: Option<&'a str>,
    sentry_run_id: Option<&'a str>,
    group_id: Option<&'a str>,
    issue_short_id: Option<&'a str>,
    issue_title: Option<&'a str>,
    resource: &'a str,
    action: &'a str,
    iteration: Option<u64>,
    repos: &'a [String],
    classification: Option<&'a str>,
    pull_requests: &'a [PullRequest],
    /// Null while it waits to be routed.
    routes: Option<&'a [String]>,
    issue_unknown: bool,
    planned_at: Option<String>,
    deliveries: Vec<DeliveryLine>,
}

impl<'a> EventLine<'a> {
    fn of(exported: &'a ExportedEvent) -> Self {
        let ExportedEvent {
            row,
            run,
            repos,
            classification,
            pull_requests,
            issue_short_id,
            issue_title,
            deliveries,
        } = exported;
        let event = &row.event;
        Self {
            id: event.id.as_str(),
            received_at: rfc3339(event.received_at),
            sent_at: event.sent_at.map(rfc3339),
            organization: event.organization.as_str(),
            run: run.as_deref(),
            run_id: event.run_id.as_ref().map(RunId::as_str),
            sentry_run_id: event.sentry_run_id.as_ref().map(SentryRunId::as_str),
            group_id: event.group_id.as_ref().map(GroupId::as_str),
            issue_short_id: issue_short_id.as_deref(),
            issue_title: issue_title.as_deref(),
            resource: &event.resource,
            action: event.action.as_str(),
            iteration: event.iteration,
            repos,
            classification: classification.as_deref(),
            pull_requests,
            routes: row.routes.as_deref(),
            issue_unknown: row.issue_unknown,
            planned_at: row.planned_at.map(rfc3339),
            deliveries: deliveries.iter().map(DeliveryLine::of).collect(),
        }
    }
}

/// A delivery as `deliveries --json` has it, without what its event says already, and with its origin and its end.
#[derive(Serialize)]
struct DeliveryLine {
    id: String,
    part: Part,
    origin: Origin,
    destination: String,
    kind: DestinationKind,
    state: DeliveryState,
    attempts: u32,
    last_status: Option<u16>,
    last_reason: Option<Reason>,
    created_at: String,
    next_attempt_at: Option<String>,
    delivered_at: Option<String>,
    finished_at: Option<String>,
    muted: Option<MutedJson>,
    held_until: Option<String>,
    mentions: Vec<String>,
    replay_of: Option<String>,
    replayed_by: Option<String>,
    fallback_for: Option<String>,
    fallback_by: Option<String>,
    digest: Option<String>,
    gathered: Option<u64>,
}

impl DeliveryLine {
    fn of(exported: &ExportedDelivery) -> Self {
        let listed = DeliveryJson::from(&exported.row);
        Self {
            id: listed.id,
            part: listed.part,
            origin: exported.origin,
            destination: listed.destination,
            kind: listed.kind,
            state: listed.state,
            attempts: listed.attempts,
            last_status: listed.last_status,
            last_reason: listed.last_reason,
            created_at: listed.created_at,
            next_attempt_at: listed.next_attempt_at,
            delivered_at: listed.delivered_at,
            finished_at: exported.finished_at.map(rfc3339),
            muted: listed.muted,
            held_until: listed.held_until,
            mentions: listed.mentions,
            replay_of: listed.replay_of,
            replayed_by: listed.replayed_by,
            fallback_for: listed.fallback_for,
            fallback_by: listed.fallback_by,
            digest: listed.digest,
            gathered: listed.gathered,
        }
    }
}

fn row(exported: &ExportedEvent) -> [Cell<'_>; COLUMNS.len()] {
    let line = EventLine::of(exported);
    let sums = Sums::of(&exported.deliveries);
    let number = |state| Cell::from(sums.number(state));
    let truth = |value: bool| Cell::from(if value { "true" } else { "false" });
    [
        line.id.into(),
        line.received_at.into(),
        line.sent_at.into(),
        line.organization.into(),
        line.run.into(),
        line.run_id.into(),
        line.sentry_run_id.into(),
        line.group_id.into(),
        line.issue_short_id.into(),
        line.issue_title.into(),
        line.resource.into(),
        line.action.into(),
        line.iteration.into(),
        line.repos.join(SEPARATOR).into(),
        line.classification.into(),
        names_of(line.pull_requests).join(SEPARATOR).into(),
        count(line.pull_requests.iter().filter(|each| !each.failed).count()).into(),
        truth(line.routes.is_some()),
        line.routes.unwrap_or_default().join(SEPARATOR).into(),
        truth(line.issue_unknown),
        line.planned_at.into(),
        count(exported.deliveries.len()).into(),
        number(DeliveryState::Delivered),
        number(DeliveryState::Waiting),
        number(DeliveryState::Sending),
        number(DeliveryState::Superseded),
        number(DeliveryState::Dead),
        sums.attempts().into(),
        sums.destinations(|_| true).into(),
        sums.destinations(|state| state == DeliveryState::Delivered).into(),
        sums.destinations(|state| state == DeliveryState::Dead).into(),
        sums.reasons().into(),
        sums.delivered_at().min().map(rfc3339).into(),
        sums.delivered_at().max().map(rfc3339).into(),
    ]
}

/// Returns where pull requests are, or what is known of those without an address.
fn names_of(pull_requests: &[PullRequest]) -> Vec<String> {
    let name = |each: &PullRequest| match (&each.url, &each.repo, each.number) {
        (Some(url), _, _) => url.clone(),
        (None, Some(repo), Some(number)) => format!("{repo}#{number}"),
        (None, repo, _) => repo.clone().unwrap_or_default(),
    };
    pull_requests.iter().map(name).collect()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What a row says of an event's deliveries.
struct Sums<'a>(&'a [ExportedDelivery]);

impl<'a> Sums<'a> {
    fn of(deliveries: &'a [ExportedDelivery]) -> Self {
        Self(deliveries)
    }

    fn number(&self, state: DeliveryState) -> u64 {
        count(self.0.iter().filter(|delivery| delivery.row.state == state).count())
    }

    fn attempts(&self) -> u64 {
        self.0.iter().map(|delivery| u64::from(delivery.row.attempts)).sum()
    }

    /// The names of the destinations with a delivery in such a state, each once.
    fn destinations(&self, is_meant: impl Fn(DeliveryState) -> bool) -> String {
        let meant = self.0.iter().filter(|delivery| is_meant(delivery.row.state));
        let names: BTreeSet<&str> = meant.map(|delivery| delivery.row.destination.as_str()).collect();
        names.into_iter().collect::<Vec<_>>().join(SEPARATOR)
    }

    /// Why last attempts failed, each once.
    fn reasons(&self) -> String {
        let reasons: BTreeSet<&str> =
            self.0.iter().filter_map(|delivery| delivery.row.last_reason).map(Reason::as_str).collect();
        reasons.into_iter().collect::<Vec<_>>().join(SEPARATOR)
    }

    fn delivered_at(&self) -> impl Iterator<Item = jiff::Timestamp> {
        self.0.iter().filter_map(|delivery| delivery.row.delivered_at)
    }
}
