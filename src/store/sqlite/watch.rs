//! Watching: which runs have fallen silent, and what was noticed of them.
//!
//! Accepting an event costs nothing for it: a cursor follows the order of acceptance, and of a run only its newest event
//! is looked at.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::value::{micros, span, time};
use super::{story, writer::Writing};
use crate::event::{Event, EventId, RELAY_RESOURCE};
use crate::store::{AfterLook, Look, Silence, SilentRun, SilentRuns};

/// How many events one question walks over at most, so that it takes no longer than others.
const EVENTS_AT_ONCE: i64 = 5_000;

/// Whether nothing was accepted of the run of event `e` after it.
const IS_NEWEST: &str = "e.run_number IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM event l WHERE l.run_number = e.run_number AND l.sequence > e.sequence)";

/// Reads up to `limit` runs that are to be looked at.
pub(super) fn silent_runs(
    connection: &Connection,
    silence: Silence,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<SilentRuns> {
    let mut silent = SilentRuns::default();
    look_again(connection, now, limit, &mut silent)?;
    look_further(connection, silence, now, limit, &mut silent)?;
    Ok(silent)
}

/// Adds those that were looked at before.
fn look_again(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
    silent: &mut SilentRuns,
) -> rusqlite::Result<()> {
    let mut watched =
        connection.prepare_cached("SELECT sequence, due_at, looks FROM watched ORDER BY due_at")?;
    let mut rows = watched.query([])?;
    while let Some(row) = rows.next()? {
        let due_at = time(row.get(1)?);
        if due_at > now {
            silent.next_due = Some(due_at);
            break;
        }
        if silent.runs.len() >= limit {
            silent.may_be_more = true;
            break;
        }
        let sequence = row.get(0)?;
        let events = events_if_newest(connection, sequence)?;
        silent.runs.push(SilentRun { sequence, events, looks: row.get(2)? });
    }
    Ok(())
}

/// Adds those behind the cursor.
fn look_further(
    connection: &Connection,
    silence: Silence,
    now: Timestamp,
    limit: usize,
    silent: &mut SilentRuns,
) -> rusqlite::Result<()> {
    let mut behind = connection.prepare_cached(
        "SELECT sequence, received_at FROM event WHERE sequence > (SELECT seen_sequence FROM watch)
         ORDER BY sequence LIMIT ?1",
    )?;
    let mut rows = behind.query([EVENTS_AT_ONCE + 1])?;
    let mut walked = 0;
    while let Some(row) = rows.next()? {
        let (sequence, received_at) = (row.get(0)?, row.get(1)?);
        // One that seems to lie ahead came before the clock was set back, and need not wait for all of that again.
        let age = Duration::from_micros(micros(now).abs_diff(received_at));
        if age < silence.at_least {
            let due_at = time(received_at.saturating_add(span(silence.at_least)));
            silent.next_due = Some(silent.next_due.map_or(due_at, |next_due| next_due.min(due_at)));
            break;
        }
        if silent.runs.len() >= limit || walked >= EVENTS_AT_ONCE {
            silent.may_be_more = true;
            break;
        }
        walked += 1;
        silent.seen = Some(sequence);
        if age <= silence.at_most {
            let events = events_if_newest(connection, sequence)?;
            if !events.is_empty() {
                silent.runs.push(SilentRun { sequence, events, looks: 0 });
            }
        }
    }
    Ok(())
}

/// Reads the run that ends with an event; nothing where it goes on after it.
fn events_if_newest(connection: &Connection, sequence: i64) -> rusqlite::Result<Vec<Event>> {
    let run = connection
        .prepare_cached(&format!("SELECT run_number FROM event e WHERE sequence = ?1 AND {IS_NEWEST}"))?
        .query_row([sequence], |row| row.get(0))
        .optional()?;
    run.map(|run| story::without_artifacts(connection, run)).transpose().map(Option::unwrap_or_default)
}

/// Writes how a look ended; returns the notice's id, where one was made.
pub(super) fn settle(
    writing: &mut Writing<'_>,
    look: &Look,
    artifacts: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<Option<EventId>> {
    let Look { sequence, next } = look;
    writing
        .prepare(
            // Events may have been removed since it was looked at, and their places be given out anew.
            "UPDATE watch SET seen_sequence = min(?1, (SELECT coalesce(max(sequence), 0) FROM event))
             WHERE seen_sequence < ?1",
        )?
        .execute([sequence])?;
    match next {
        AfterLook::Seen => Ok(None),
        AfterLook::Again(due_at) => {
            writing
                .prepare(
                    "INSERT INTO watched (sequence, due_at, looks) VALUES (?1, ?2, 1)
                     ON CONFLICT DO UPDATE SET due_at = excluded.due_at, looks = looks + 1",
                )?
                .execute([*sequence, micros(*due_at)])?;
            Ok(None)
        }
        AfterLook::Over => forget(writing, *sequence).map(|()| None),
        AfterLook::Notice(notice) => {
            forget(writing, *sequence)?;
            insert_notice(writing, *sequence, notice.action.as_str(), artifacts, now)
        }
    }
}

fn forget(writing: &Writing<'_>, sequence: i64) -> rusqlite::Result<()> {
    writing.prepare("DELETE FROM watched WHERE sequence = ?1")?.execute([sequence]).map(drop)
}

/// Adds a notice to the run of an event, unless that is the newest of it no longer. It waits to be routed like any event.
fn insert_notice(
    writing: &mut Writing<'_>,
    about: i64,
    action: &str,
    artifacts: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<Option<EventId>> {
    let id = writing.ids.event(now);
    let known = |column: &str| {
        format!(
            "(SELECT f.{column} FROM event f WHERE f.run_number = e.run_number AND f.{column} IS NOT NULL
              ORDER BY f.sequence LIMIT 1)"
        )
    };
    let sequence: Option<i64> = writing
        .prepare(&format!(
            "INSERT INTO event (id, organization, run_number, resource, action, run_id, sentry_run_id, group_id,
                                received_at, due_at)
             SELECT ?2, e.organization, e.run_number, ?3, ?4, {}, {}, {}, ?5, ?5
             FROM event e WHERE e.sequence = ?1 AND {IS_NEWEST} RETURNING sequence",
            known("run_id"),
            known("sentry_run_id"),
            known("group_id")
        ))?
        .query_row(params![about, id.as_str(), RELAY_RESOURCE, action, micros(now)], |row| row.get(0))
        .optional()?;
    if let (Some(sequence), Some(artifacts)) = (sequence, artifacts) {
        writing
            .prepare("INSERT INTO event_artifacts (sequence, artifacts) VALUES (?1, ?2)")?
            .execute(params![sequence, artifacts])?;
    }
    Ok(sequence.map(|_| id))
}

/// Takes the cursor back to the newest event: the places of events that were removed are given out anew.
pub(super) fn follow_removal(writing: &Writing<'_>) -> rusqlite::Result<()> {
    writing
        .prepare(
            "UPDATE watch SET seen_sequence = min(seen_sequence, (SELECT coalesce(max(sequence), 0) FROM event))",
        )?
        .execute([])
        .map(drop)
}
