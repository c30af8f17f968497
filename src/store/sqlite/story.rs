//! Stories: the events of a run as plain values, in order of acceptance.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::issue;
use super::value::time;
use crate::event::{Action, Artifacts, Event, EventId, GroupId, Organization, RunId, SentryRunId};
use crate::store::{Reach, Story, Told, Wanted};

/// What an event takes beside its artifacts, about.
pub(super) const EVENT_BYTES: usize = 256;

/// Of the artifacts, the pull requests alone.
const ONLY_PULL_REQUESTS: &str =
    "iif(a.artifacts IS NULL, NULL, json_object('pull_requests', a.artifacts -> '$.pull_requests'))";

/// The same, of those events that say nothing else: code is not even read.
const PULL_REQUESTS_WITHOUT_CODE: &str =
    "iif(e.action IN ('pr_created', 'pr_ready_for_review', 'relay.failed') AND a.artifacts IS NOT NULL,
         json_object('pull_requests', a.artifacts -> '$.pull_requests'), NULL)";

/// An event as it is kept.
pub(super) struct Kept {
    pub(super) sequence: i64,
    pub(super) event: Event,
    /// Names of the routes that matched; `None` while it waits to be routed for the first time.
    pub(super) routes: Option<Vec<String>>,
    /// Whether a route asked for the issue, which was not known in time.
    pub(super) issue_unknown: bool,
    /// When it was routed last.
    pub(super) planned_at: Option<Timestamp>,
    /// How often it was routed anew because somebody replayed it.
    pub(super) replays: u32,
}

/// Reads every event of a run, in order of acceptance.
pub(super) fn of_run(connection: &Connection, run: i64) -> rusqlite::Result<Vec<Kept>> {
    Ok(up_to(connection, Some(run), i64::MAX, usize::MAX)?.map(|(events, _)| events).unwrap_or_default())
}

/// Reads the story of an event that is known by its run and its place in the order of acceptance, and how long its
/// artifacts are.
pub(super) fn of_place(
    connection: &Connection,
    run: Option<i64>,
    sequence: i64,
) -> rusqlite::Result<(Vec<Event>, usize)> {
    let (kept, bytes) = up_to(connection, run, sequence, usize::MAX)?.unwrap_or_default();
    Ok((events_of(kept), bytes))
}

/// Reads every event of a run as [`of_run`] does, but of what its payloads say the pull requests alone: code may be long.
pub(super) fn with_pull_requests(connection: &Connection, run: i64) -> rusqlite::Result<Vec<Event>> {
    let kept = read(connection, Some(run), i64::MAX, usize::MAX, ONLY_PULL_REQUESTS)?;
    Ok(events_of(kept.map(|(events, _)| events).unwrap_or_default()))
}

/// Reads the events of a run up to a place in the order of acceptance, of an event without a run that event alone. Of what
/// their payloads say, the pull requests alone, and these where nothing long stands beside them.
pub(super) fn without_code(
    connection: &Connection,
    run: Option<i64>,
    sequence: i64,
) -> rusqlite::Result<Vec<Event>> {
    let kept = read(connection, run, sequence, usize::MAX, PULL_REQUESTS_WITHOUT_CODE)?;
    Ok(events_of(kept.map(|(events, _)| events).unwrap_or_default()))
}

/// Reads the events of a run up to and including one of them, and how long their artifacts are; of an event without a
/// run, that event alone. `None` where that is more than `most_bytes`.
fn up_to(
    connection: &Connection,
    run: Option<i64>,
    sequence: i64,
    most_bytes: usize,
) -> rusqlite::Result<Option<(Vec<Kept>, usize)>> {
    read(connection, run, sequence, most_bytes, "a.artifacts")
}

fn read(
    connection: &Connection,
    run: Option<i64>,
    sequence: i64,
    most_bytes: usize,
    artifacts: &'static str,
) -> rusqlite::Result<Option<(Vec<Kept>, usize)>> {
    let condition = up_to_condition(run);
    let mut statement = connection.prepare_cached(&format!(
            "SELECT e.sequence, e.id, coalesce(e.organization, ''), e.resource, e.action, e.run_id, e.sentry_run_id,
                    e.group_id, e.iteration, e.received_at, e.sent_at, {artifacts}, e.routes, e.issue_unknown,
                    e.planned_at, e.replays
             FROM event e LEFT JOIN event_artifacts a ON a.sequence = e.sequence WHERE {condition}"
    ))?;
    let mut rows = statement.query(params![run, sequence])?;
    let (mut events, mut left) = (Vec::new(), most_bytes);
    while let Some(row) = rows.next()? {
        let bytes = EVENT_BYTES + row.get_ref(11)?.as_str_or_null()?.map_or(0, str::len);
        let Some(rest) = left.checked_sub(bytes) else { return Ok(None) };
        left = rest;
        events.push(read_event(row)?);
    }
    // The index leads to a run's events in no order; sorting here moves no texts.
    events.sort_by_key(|kept| kept.sequence);
    Ok(Some((events, most_bytes - left)))
}

pub(super) fn read_event(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let artifacts = match row.get_ref(11)?.as_str_or_null()? {
        Some(json) => from_json(json)?,
        None => Artifacts::default(),
    };
    Ok(Kept {
        sequence: row.get(0)?,
        event: Event {
            id: EventId::new(row.get_ref(1)?.as_str()?),
            organization: Organization::new(row.get_ref(2)?.as_str()?),
            resource: row.get(3)?,
            action: Action::from_name(row.get_ref(4)?.as_str()?),
            run_id: row.get_ref(5)?.as_str_or_null()?.map(RunId::new),
            sentry_run_id: row.get_ref(6)?.as_str_or_null()?.map(SentryRunId::new),
            group_id: row.get_ref(7)?.as_str_or_null()?.map(GroupId::new),
            iteration: row.get::<_, Option<i64>>(8)?.map(i64::cast_unsigned),
            received_at: time(row.get(9)?),
            sent_at: row.get::<_, Option<i64>>(10)?.map(time),
            artifacts,
        },
        routes: row.get_ref(12)?.as_str_or_null()?.map(from_json).transpose()?,
        issue_unknown: row.get(13)?,
        planned_at: row.get::<_, Option<i64>>(14)?.map(time),
        replays: row.get(15)?,
    })
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Holds for the events of run `?1` up to event `?2`; where that has no run, for it alone.
fn up_to_condition(run: Option<i64>) -> &'static str {
    if run.is_some() { "e.run_number = ?1 AND e.sequence <= ?2" } else { "?1 IS NULL AND e.sequence = ?2" }
}

/// Returns the run of an event, which may have none.
fn run_of(connection: &Connection, sequence: i64) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT run_number FROM event WHERE sequence = ?1")?
        .query_row([sequence], |row| row.get(0))
}

fn events_of(kept: Vec<Kept>) -> Vec<Event> {
    kept.into_iter().map(|kept| kept.event).collect()
}

/// Reads a story, or weighs it where it takes more than `most_bytes`.
pub(super) fn of_event(
    connection: &Connection,
    wanted: &Wanted,
    most_bytes: usize,
) -> rusqlite::Result<Option<Told>> {
    let Some(sequence) = super::find::event(connection, wanted.event.as_str())? else { return Ok(None) };
    let run = run_of(connection, sequence)?;
    let (last, payload) = match (wanted.reach, run) {
        (Reach::WholeRun, Some(_)) => (i64::MAX, Payload::none()),
        (Reach::WholeRun, None) => (sequence, Payload::none()),
        (Reach::UpToEvent, _) => (sequence, payload(connection, sequence, most_bytes)?),
    };
    let events = match most_bytes.checked_sub(payload.bytes) {
        Some(left) => up_to(connection, run, last, left)?,
        None => None,
    };
    Ok(Some(match events {
        Some((events, _)) => {
            let events = events_of(events);
            let issue = issue::of_events(connection, &events)?.and_then(|(kept, _)| kept.issue).map(Box::new);
            Told::Story(Story { events, payload: payload.body.unwrap_or_default(), issue })
        }
        None => Told::Heavy { bytes: payload.bytes + artifact_bytes(connection, run, last)? },
    }))
}

/// The body of a webhook, or how long it is.
pub(super) struct Payload {
    pub(super) bytes: usize,
    /// `None` where it is longer than was asked for.
    pub(super) body: Option<Bytes>,
}

impl Payload {
    fn none() -> Self {
        Self { bytes: 0, body: Some(Bytes::new()) }
    }
}

/// Reads the body of a webhook, or its length where it is longer than `most_bytes`; nothing where it was removed.
pub(super) fn payload(
    connection: &Connection,
    sequence: i64,
    most_bytes: usize,
) -> rusqlite::Result<Payload> {
    let most = i64::try_from(most_bytes).unwrap_or(i64::MAX);
    // The length of a blob is known without reading it.
    let payload = connection
        .prepare_cached(
            "SELECT length(body), iif(length(body) <= ?2, body, NULL) FROM payload WHERE sequence = ?1",
        )?
        .query_row([sequence, most], |row| {
            let body: Option<Vec<u8>> = row.get(1)?;
            Ok(Payload { bytes: length(row)?, body: body.map(Bytes::from) })
        })
        .optional()?;
    Ok(payload.unwrap_or_else(Payload::none))
}

/// Returns how long the artifacts of a run's events up to one of them are.
fn artifact_bytes(connection: &Connection, run: Option<i64>, sequence: i64) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(&format!(
            "SELECT coalesce(sum({EVENT_BYTES} + coalesce(octet_length(a.artifacts), 0)), 0)
             FROM event e LEFT JOIN event_artifacts a ON a.sequence = e.sequence WHERE {}",
            up_to_condition(run)
        ))?
        .query_row(params![run, sequence], length)
}

/// Reads a length in the first column.
fn length(row: &Row<'_>) -> rusqlite::Result<usize> {
    Ok(usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default())
}
