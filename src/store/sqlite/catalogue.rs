//! The catalogue: what lists, searches and reports show of each run. Follows the order of acceptance and that of planning,
//! so that neither costs more for it; a moment behind them, and further while many wait for the writer.
//!
//! A run that is new in any way is read whole and written down anew, many of its events at once.

pub(super) mod label;
pub(super) mod row;
pub(super) mod words;

use std::collections::HashSet;

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use self::label::{Facet, Labels};
use self::words::words_of;
use super::{issue, story, writer::Writing};
use crate::event::{Action, Event, GroupId, Organization, RELAY_RESOURCE};
use crate::run::{Outline, Run};

/// How many events, and how many deliveries, one step follows at most.
const ROWS_AT_ONCE: i64 = 250;
/// How many runs one step writes at most: one transaction, which a webhook may wait for.
const RUNS_AT_ONCE: usize = 32;
/// After how many bytes of artifacts a step reads no further run.
const BYTES_AT_ONCE: usize = 2 * 1024 * 1024;

/// What is to be written of one step.
pub(super) struct Step {
    entries: Vec<Entry>,
    seen_event: i64,
    seen_delivery: i64,
    /// Whether the store has more than one step follows.
    pub(super) may_be_more: bool,
}

/// A run as the catalogue has it.
struct Entry {
    run: i64,
    /// `None` where it is not listed: a notice that is about no run.
    listed: Option<Listed>,
}

struct Listed {
    outline: Outline,
    /// Its place in the order of acceptance.
    first_event: i64,
    events: usize,
    stalls: usize,
    labels: Labels,
    words: String,
}

/// Reads what is new since the last step; `None` where nothing is.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Option<Step>> {
    let (seen_event, seen_delivery): (i64, i64) = connection
        .prepare_cached("SELECT seen_event, seen_delivery FROM catalogue")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let events = changed(
        connection,
        "SELECT sequence, run_number FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
        seen_event,
    )?;
    let deliveries = changed(
        connection,
        "SELECT d.number, e.run_number FROM delivery d CROSS JOIN event e ON e.sequence = d.event_sequence
         WHERE d.number > ?1 ORDER BY d.number LIMIT ?2",
        seen_delivery,
    )?;
    let noted = changed(
        connection,
        "SELECT run_number, run_number FROM uncatalogued WHERE run_number > ?1 LIMIT ?2",
        0,
    )?;
    if events.is_empty() && deliveries.is_empty() && noted.is_empty() {
        return Ok(None);
    }
    let is_full = |rows: &Vec<_>| i64::try_from(rows.len()).is_ok_and(|rows| rows == ROWS_AT_ONCE);
    let may_be_more = is_full(&events) || is_full(&deliveries) || is_full(&noted);
    let mut reading = Reading {
        connection,
        known: HashSet::new(),
        step: Step { entries: Vec::new(), seen_event, seen_delivery, may_be_more },
        bytes: 0,
    };
    reading.follow(&noted, |_, _| {})?;
    reading.follow(&events, |step, place| step.seen_event = place)?;
    reading.follow(&deliveries, |step, place| step.seen_delivery = place)?;
    Ok(Some(reading.step))
}

/// Reads which runs something is new of, each with its place.
fn changed(connection: &Connection, sql: &str, seen: i64) -> rusqlite::Result<Vec<(i64, Option<i64>)>> {
    connection
        .prepare_cached(sql)?
        .query_map([seen, ROWS_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

struct Reading<'c> {
    connection: &'c Connection,
    known: HashSet<i64>,
    step: Step,
    bytes: usize,
}

impl Reading<'_> {
    /// Reads the runs of these rows, as many as are light together; `note` is told of each row that is done with.
    fn follow(&mut self, rows: &[(i64, Option<i64>)], note: impl Fn(&mut Step, i64)) -> rusqlite::Result<()> {
        for (place, run) in rows {
            if let Some(run) = run.filter(|run| !self.known.contains(run)) {
                if self.bytes >= BYTES_AT_ONCE || self.step.entries.len() >= RUNS_AT_ONCE {
                    self.step.may_be_more = true;
                    return Ok(());
                }
                let (events, bytes) = story::of_place(self.connection, Some(run), i64::MAX)?;
                self.bytes += bytes;
                self.known.insert(run);
                self.step.entries.push(Entry { run, listed: listed(self.connection, run, &events)? });
            }
            note(&mut self.step, *place);
        }
        Ok(())
    }
}

/// Returns a run as its events make it now; `None` where it is no run, but a notice that is about none.
pub(super) fn outline_of(connection: &Connection, run: i64) -> rusqlite::Result<Option<Outline>> {
    let (events, _) = story::of_place(connection, Some(run), i64::MAX)?;
    Ok(fold(&events).as_ref().map(Outline::from))
}

/// Folds a run; a notice that is about none is kept as one, but is none.
fn fold(events: &[Event]) -> Option<Run> {
    let of_no_run = |event: &Event| event.resource == RELAY_RESOURCE && event.action.is_of_no_run();
    if events.iter().all(of_no_run) { None } else { Run::fold(events) }
}

fn listed(connection: &Connection, number: i64, events: &[Event]) -> rusqlite::Result<Option<Listed>> {
    let Some(run) = fold(events) else { return Ok(None) };
    let issue = issue::of_events(connection, events)?.and_then(|(kept, _)| kept.issue);
    let outline = Outline::from(&run);
    Ok(Some(Listed {
        first_event: first_event(connection, &outline)?,
        events: events.len(),
        stalls: events.iter().filter(|event| is_stall(event)).count(),
        labels: labels(connection, number, &outline, events)?,
        words: words_of(&run, &outline, issue.as_ref()),
        outline,
    }))
}

/// Only the relay itself notices stalls, whatever a webhook calls itself.
fn is_stall(event: &Event) -> bool {
    event.resource == RELAY_RESOURCE && event.action == Action::RunStalled
}

fn first_event(connection: &Connection, outline: &Outline) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT sequence FROM event WHERE id = ?1")?
        .query_row([outline.first_event.as_str()], |row| row.get(0))
}

fn labels(
    connection: &Connection,
    number: i64,
    outline: &Outline,
    events: &[Event],
) -> rusqlite::Result<Labels> {
    let destinations: Vec<String> = connection
        .prepare_cached(
            "SELECT DISTINCT t.name FROM event e CROSS JOIN delivery d ON d.event_sequence = e.sequence
                    CROSS JOIN destination t ON t.id = d.destination_id WHERE e.run_number = ?1",
        )?
        .query_map([number], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut labels = Labels::default();
    labels.add(Facet::Organization, [outline.organization.as_str()]);
    labels.add(Facet::State, [outline.state.as_str()]);
    labels.add(Facet::Repo, outline.repos.iter().map(String::as_str));
    labels.add(Facet::Action, events.iter().map(|event| event.action.as_str()));
    labels.add(Facet::Destination, destinations.iter().map(String::as_str));
    Ok(labels)
}

/// Writes what a step has read.
pub(super) fn write(writing: &Writing<'_>, step: &Step) -> rusqlite::Result<()> {
    for entry in &step.entries {
        writing.prepare("DELETE FROM uncatalogued WHERE run_number = ?1")?.execute([entry.run])?;
        // It may have become part of another one, or have gone, since it was read.
        let is_there = writing.prepare("SELECT 1 FROM event WHERE run_number = ?1")?.exists([entry.run])?;
        match &entry.listed {
            Some(listed) if is_there => enter(writing, entry.run, listed)?,
            Some(_) | None => remove(writing, entry.run)?,
        }
    }
    writing
        .prepare(
            "UPDATE catalogue SET seen_event = max(seen_event, ?1), seen_delivery = max(seen_delivery, ?2)",
        )?
        .execute([step.seen_event, step.seen_delivery])
        .map(drop)
}

fn enter(writing: &Writing<'_>, run: i64, listed: &Listed) -> rusqlite::Result<()> {
    let searched = fingerprint(&listed.words);
    let before = row::written(writing, run)?;
    if before.as_ref().map(|before| before.searched) != Some(searched) {
        if before.is_some() {
            writing.prepare("DELETE FROM search WHERE rowid = ?1")?.execute([run])?;
        }
        let words = params![run, listed.words];
        writing.prepare("INSERT INTO search (rowid, words) VALUES (?1, ?2)")?.execute(words)?;
    }
    let labels = listed.labels.ids(writing)?;
    label::change(writing, run, before.as_ref().map_or(&[], |before| &before.labels), &labels)?;
    row::write(writing, run, listed, &labels, searched)
}

/// A fingerprint of a run's words, by which is known whether they have changed.
fn fingerprint(words: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(words).into();
    i64::from_le_bytes(digest.first_chunk().copied().unwrap_or_default())
}

/// Removes a run from the catalogue.
pub(super) fn remove(writing: &Writing<'_>, run: i64) -> rusqlite::Result<()> {
    let Some(before) = row::written(writing, run)? else { return Ok(()) };
    writing.prepare("DELETE FROM search WHERE rowid = ?1")?.execute([run])?;
    writing.prepare("DELETE FROM outline WHERE run_number = ?1")?.execute([run])?;
    label::change(writing, run, &before.labels, &[])
}

/// Has a run looked at again.
pub(super) fn note(writing: &Writing<'_>, run: i64) -> rusqlite::Result<()> {
    writing.prepare("INSERT OR IGNORE INTO uncatalogued (run_number) VALUES (?1)")?.execute([run]).map(drop)
}

/// Has the runs of an issue looked at again, of which something new is known.
pub(super) fn note_issue(
    writing: &Writing<'_>,
    organization: &Organization,
    group: &GroupId,
) -> rusqlite::Result<()> {
    writing
        .prepare(
            "INSERT OR IGNORE INTO uncatalogued (run_number)
             WITH RECURSIVE of_issue (number) AS (
                 SELECT run_number FROM run_name WHERE name = ?1 AND kind = 'group' AND organization = ?2
                 UNION SELECT r.earlier FROM of_issue o JOIN run r ON r.number = o.number WHERE r.earlier IS NOT NULL)
             SELECT number FROM of_issue LIMIT 100",
        )?
        .execute([group.as_str(), organization.as_str()])
        .map(drop)
}
