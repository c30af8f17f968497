//! Watching: which runs have fallen silent, and what was noticed of them.
//!
//! Accepting an event costs nothing for it: a cursor follows the order of acceptance, and of a run only its newest event
//! is looked at. What the relay noticed itself is passed over: whether that is looked at again is decided with it.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::value::{micros, span, time};
use super::{accept, story, writer::Writing};
use crate::event::{Event, EventId, RELAY_RESOURCE};
use crate::store::{AfterLook, Look, Notice, SilentFor, SilentRun, SilentRuns};

/// How many events one question walks over at most, so that it takes no longer than others.
const EVENTS_AT_ONCE: i64 = 5_000;

/// Whether nothing was accepted of the run of event `e` after it.
const IS_NEWEST: &str = "e.run_number IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM event l WHERE l.run_number = e.run_number AND l.sequence > e.sequence)";

/// Begins to watch, or notes that nobody does. What was accepted while nobody did, before `since`, is no news.
pub(super) fn begin(writing: &Writing<'_>, is_on: bool, since: Timestamp) -> rusqlite::Result<()> {
    if is_on {
        writing.prepare("DELETE FROM watched WHERE (SELECT is_on FROM watch) = 0")?.execute([])?;
        writing
            .prepare(
                "UPDATE watch SET seen_sequence = max(seen_sequence, coalesce(
                     (SELECT sequence FROM event WHERE received_at < ?1 ORDER BY sequence DESC LIMIT 1), 0))
                 WHERE is_on = 0",
            )?
            .execute([micros(since)])?;
    }
    writing.prepare("UPDATE watch SET is_on = ?1")?.execute([is_on]).map(drop)
}

/// Reads up to `limit` runs that are to be looked at.
pub(super) fn silent_runs(
    connection: &Connection,
    silence: SilentFor,
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
        silent.runs.push(SilentRun { sequence, events, looks: row.get(2)?, due_at: Some(due_at) });
    }
    Ok(())
}

/// Adds those behind the cursor.
fn look_further(
    connection: &Connection,
    silence: SilentFor,
    now: Timestamp,
    limit: usize,
    silent: &mut SilentRuns,
) -> rusqlite::Result<()> {
    let mut behind = connection.prepare_cached(
        "SELECT sequence, received_at, resource = ?2 FROM event WHERE sequence > (SELECT seen_sequence FROM watch)
         ORDER BY sequence LIMIT ?1",
    )?;
    let mut rows = behind.query(params![EVENTS_AT_ONCE + 1, RELAY_RESOURCE])?;
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
        if age <= silence.at_most && !row.get::<_, bool>(2)? {
            let events = events_if_newest(connection, sequence)?;
            if !events.is_empty() {
                silent.runs.push(SilentRun { sequence, events, looks: 0, due_at: None });
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
    run.map(|run| story::with_pull_requests(connection, run)).transpose().map(Option::unwrap_or_default)
}

/// Writes how a look ended; returns the notice's id, where one was made.
pub(super) fn settle(
    writing: &mut Writing<'_>,
    look: &Look,
    artifacts: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<Option<EventId>> {
    let Look { sequence, next } = look;
    let looks = looks(writing, *sequence)?;
    // One that is looked at again may lie ahead of the cursor: a notice.
    if looks.is_none() || *next == AfterLook::Seen {
        move_cursor(writing, *sequence)?;
    }
    let looks = looks.unwrap_or(0);
    match next {
        AfterLook::Seen => {}
        AfterLook::Over => forget(writing, *sequence)?,
        AfterLook::Later(due_at) => remember(writing, *sequence, *due_at, looks)?,
        AfterLook::Again(due_at) => remember(writing, *sequence, *due_at, looks + 1)?,
        AfterLook::Notice { notice, again } => {
            forget(writing, *sequence)?;
            let made = insert_notice(writing, *sequence, notice, artifacts, now)?;
            if let (Some((notice, _)), Some(due_at)) = (&made, again) {
                remember(writing, *notice, *due_at, looks + 1)?;
            }
            return Ok(made.map(|(_, id)| id));
        }
    }
    Ok(None)
}

fn move_cursor(writing: &Writing<'_>, sequence: i64) -> rusqlite::Result<()> {
    writing
        .prepare(
            // Events may have been removed since it was looked at, and their places be given out anew.
            "UPDATE watch SET seen_sequence = min(?1, (SELECT coalesce(max(sequence), 0) FROM event))
             WHERE seen_sequence < ?1",
        )?
        .execute([sequence])
        .map(drop)
}

/// Returns how often Sentry was asked about a run that is to be looked at again; `None` where it is not.
fn looks(writing: &Writing<'_>, sequence: i64) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare("SELECT looks FROM watched WHERE sequence = ?1")?
        .query_row([sequence], |row| row.get(0))
        .optional()
}

fn remember(writing: &Writing<'_>, sequence: i64, due_at: Timestamp, looks: i64) -> rusqlite::Result<()> {
    writing
        .prepare("INSERT OR REPLACE INTO watched (sequence, due_at, looks) VALUES (?1, ?2, ?3)")?
        .execute([sequence, micros(due_at), looks])
        .map(drop)
}

fn forget(writing: &Writing<'_>, sequence: i64) -> rusqlite::Result<()> {
    writing.prepare("DELETE FROM watched WHERE sequence = ?1")?.execute([sequence]).map(drop)
}

/// Adds a notice to the run of an event, unless that is the newest of it no longer. It waits to be routed like any event.
fn insert_notice(
    writing: &mut Writing<'_>,
    about: i64,
    notice: &Notice,
    artifacts: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<Option<(i64, EventId)>> {
    let id = writing.ids.event(now);
    let known = |column: &str| {
        format!(
            "(SELECT f.{column} FROM event f WHERE f.run_number = e.run_number AND f.{column} IS NOT NULL
              ORDER BY f.sequence LIMIT 1)"
        )
    };
    let sequence: Option<i64> = writing
        .connection
        .prepare_cached(&format!(
            "INSERT INTO event (id, organization, run_number, resource, action, run_id, sentry_run_id, group_id,
                                received_at, due_at)
             SELECT ?2, e.organization, e.run_number, ?3, ?4, {}, {}, {}, ?5, ?5
             FROM event e WHERE e.sequence = ?1 AND {IS_NEWEST} RETURNING sequence",
            known("run_id"),
            known("sentry_run_id"),
            known("group_id")
        ))?
        .query_row(
            params![about, id.as_str(), RELAY_RESOURCE, notice.action.as_str(), micros(now)],
            |row| row.get(0),
        )
        .optional()?;
    if let (Some(sequence), Some(artifacts)) = (sequence, artifacts) {
        accept::insert_artifacts(writing, sequence, artifacts)?;
    }
    Ok(sequence.map(|sequence| (sequence, id)))
}
