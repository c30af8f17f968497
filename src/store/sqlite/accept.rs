//! Acceptance: an event becomes a row in the order in which it came, unless an equal one came shortly before.
//!
//! Every webhook goes through here before it is answered: few statements, each by a key, new rows at the end.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::{OptionalExtension, params};

use super::fresh::First;
use super::value::{brief_json, micros, span};
use super::writer::Writing;
use super::{issue, run};
use crate::event::{Artifacts, EventId, GroupId, RunId, SentryRunId};
use crate::issue::Issue;
use crate::sentry::payload::AcceptedEvent;
use crate::store::{Acceptance, IssueSource};

/// An event on its way in, with everything made ready that needs no database.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) event: AcceptedEvent,
    dedupe_window: Duration,
    /// `None` where the payload says nothing.
    pub(super) artifacts: Option<String>,
    headers: String,
    /// What an alert says of its issue, where that is more than its id.
    issue: Option<String>,
}

impl Arrival {
    /// Makes an event ready.
    ///
    /// # Errors
    /// Where its parts cannot be written as JSON.
    pub(super) fn new(event: AcceptedEvent, dedupe_window: Duration) -> Result<Self, serde_json::Error> {
        let empty = *event.artifacts() == Artifacts::default();
        let artifacts = if empty { None } else { Some(brief_json(event.artifacts())?) };
        let headers = serde_json::to_string(event.headers())?;
        let says_more = |issue: &&Issue| **issue != Issue::unknown(issue.id.clone());
        let issue = event.issue().filter(says_more).map(serde_json::to_string).transpose()?;
        Ok(Self { event, dedupe_window, artifacts, headers, issue })
    }

    /// Returns how much memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let length = |json: &Option<String>| json.as_ref().map_or(0, String::len);
        self.event.raw().len() + length(&self.artifacts) + length(&self.issue) + self.headers.len()
    }
}

/// Stores an event, or finds the equal one; says where it stands if it is the first one of its run.
pub(super) fn accept(
    writing: &mut Writing<'_>,
    arrival: &Arrival,
) -> rusqlite::Result<(Acceptance, Option<First>)> {
    let event = &arrival.event;
    let names = run::Names::of(event);
    let found = run::find(writing, &names, event.received_at())?;
    for run in found.runs() {
        if let Some(first) = find_equal(writing, arrival, run)? {
            return Ok((Acceptance::Duplicate(first), None));
        }
    }
    let run::Entered { run, is_new } = run::enter(writing, &names, &found, event.received_at())?;
    let id = writing.ids.event(event.received_at());
    let sequence = insert_event(writing, arrival, run, &id)?;
    if let Some(artifacts) = &arrival.artifacts {
        insert_artifacts(writing, sequence, artifacts)?;
    }
    if let (Some(json), Some(group)) = (&arrival.issue, event.group_id()) {
        let (source, received_at) = (IssueSource::Alert, event.received_at());
        let said = issue::Said { issue: Some(json), merged_into: None, source };
        issue::keep(writing, event.organization(), group, &said, received_at)?;
    }
    let body: &Bytes = event.raw();
    writing
        .prepare("INSERT INTO payload (sequence, headers, body) VALUES (?1, ?2, ?3)")?
        .execute(params![sequence, arrival.headers, &body[..]])?;
    let first = is_new.then(|| First { sequence, run, id: id.clone() });
    Ok((Acceptance::Stored(id), first))
}

/// Finds the equal event of a run that came less than the window before. One that came a moment *later* counts too:
/// of two at once, whichever reaches the writer first is the first.
fn find_equal(writing: &Writing<'_>, arrival: &Arrival, run: i64) -> rusqlite::Result<Option<EventId>> {
    if arrival.dedupe_window.is_zero() {
        return Ok(None);
    }
    let (at, window) = (micros(arrival.event.received_at()), span(arrival.dedupe_window));
    writing
        .prepare(
            "SELECT id FROM event
             WHERE run_number = ?1 AND fingerprint = ?2 AND received_at > ?3 AND received_at < ?4
             ORDER BY sequence LIMIT 1",
        )?
        .query_row(
            params![run, arrival.event.fingerprint(), at.saturating_sub(window), at.saturating_add(window)],
            |row| Ok(EventId::new(row.get::<_, String>(0)?)),
        )
        .optional()
}

/// Keeps what an event says, as JSON.
pub(super) fn insert_artifacts(
    writing: &Writing<'_>,
    sequence: i64,
    artifacts: &str,
) -> rusqlite::Result<()> {
    writing
        .prepare("INSERT INTO event_artifacts (sequence, artifacts) VALUES (?1, ?2)")?
        .execute(params![sequence, artifacts])
        .map(drop)
}

fn insert_event(writing: &Writing<'_>, arrival: &Arrival, run: i64, id: &EventId) -> rusqlite::Result<i64> {
    let event = &arrival.event;
    let received_at = micros(event.received_at());
    writing
        .prepare(
            "INSERT INTO event (id, organization, run_number, resource, action, run_id, sentry_run_id, group_id,
                                iteration, received_at, sent_at, fingerprint, due_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?10)",
        )?
        .insert(params![
            id.as_str(),
            event.organization().as_str(),
            run,
            event.resource(),
            event.action().as_str(),
            event.run_id().map(RunId::as_str),
            event.sentry_run_id().map(SentryRunId::as_str),
            event.group_id().map(GroupId::as_str),
            event.iteration().map(u64::cast_signed),
            received_at,
            event.sent_at().map(micros),
            event.fingerprint(),
        ])
}
