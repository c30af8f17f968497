//! Stories: the events of a run as plain values, in order of acceptance.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::value::time;
use crate::event::{Action, Artifacts, Event, EventId, GroupId, Organization, RunId, SentryRunId};
use crate::store::Story;

/// An event as it is kept.
pub(super) struct Kept {
    pub(super) sequence: i64,
    pub(super) event: Event,
    /// Names of the routes that matched; `None` while it waits to be routed for the first time.
    pub(super) routes: Option<Vec<String>>,
}

/// Reads every event of a run, in order of acceptance.
pub(super) fn of_run(connection: &Connection, run: i64) -> rusqlite::Result<Vec<Kept>> {
    up_to(connection, Some(run), i64::MAX)
}

/// Reads the events of a run up to and including one of them; of an event without a run, that event alone.
fn up_to(connection: &Connection, run: Option<i64>, sequence: i64) -> rusqlite::Result<Vec<Kept>> {
    let condition = if run.is_some() {
        "e.run_number = ?1 AND e.sequence <= ?2"
    } else {
        "?1 IS NULL AND e.sequence = ?2"
    };
    let mut events: Vec<Kept> = connection
        .prepare_cached(&format!(
            "SELECT e.sequence, e.id, coalesce(e.organization, ''), e.resource, e.action, e.run_id, e.sentry_run_id,
                    e.group_id, e.iteration, e.received_at, e.sent_at, a.artifacts, e.routes
             FROM event e LEFT JOIN event_artifacts a ON a.sequence = e.sequence WHERE {condition}"
        ))?
        .query_map(params![run, sequence], read_event)?
        .collect::<rusqlite::Result<_>>()?;
    // The index leads to a run's events in no order; sorting here moves no texts.
    events.sort_by_key(|kept| kept.sequence);
    Ok(events)
}

fn read_event(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let artifacts = match row.get_ref(11)?.as_str_or_null()? {
        Some(json) => from_json(json)?,
        None => Artifacts::default(),
    };
    Ok(Kept {
        sequence: row.get(0)?,
        event: Event {
            id: EventId::new(row.get::<_, String>(1)?),
            organization: Organization::new(row.get::<_, String>(2)?),
            resource: row.get(3)?,
            action: Action::from_name(row.get_ref(4)?.as_str()?),
            run_id: row.get::<_, Option<String>>(5)?.map(RunId::new),
            sentry_run_id: row.get::<_, Option<String>>(6)?.map(SentryRunId::new),
            group_id: row.get::<_, Option<String>>(7)?.map(GroupId::new),
            iteration: row.get::<_, Option<i64>>(8)?.map(i64::cast_unsigned),
            received_at: time(row.get(9)?),
            sent_at: row.get::<_, Option<i64>>(10)?.map(time),
            artifacts,
        },
        routes: row.get_ref(12)?.as_str_or_null()?.map(from_json).transpose()?,
    })
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Reads the story of an event that is known by its place in the order of acceptance.
pub(super) fn of_sequence(connection: &Connection, sequence: i64) -> rusqlite::Result<Vec<Event>> {
    let run = connection
        .prepare_cached("SELECT run_number FROM event WHERE sequence = ?1")?
        .query_row([sequence], |row| row.get::<_, Option<i64>>(0))
        .optional()?;
    match run {
        None => Ok(Vec::new()),
        Some(run) => Ok(up_to(connection, run, sequence)?.into_iter().map(|kept| kept.event).collect()),
    }
}

/// Reads the story of an event with its payload.
pub(super) fn of_event(connection: &Connection, id: &EventId) -> rusqlite::Result<Option<Story>> {
    let Some(sequence) = super::find::event(connection, id.as_str())? else { return Ok(None) };
    let payload = connection
        .prepare_cached("SELECT body FROM payload WHERE sequence = ?1")?
        .query_row([sequence], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    Ok(Some(Story {
        events: of_sequence(connection, sequence)?,
        payload: Bytes::from(payload.unwrap_or_default()),
    }))
}
