//! The catalogue: what lists, searches and reports show of each run. Follows the order of acceptance and that of planning,
//! so that neither costs more for it; a moment behind them.
//!
//! A run that is new in any way is read whole and written down anew, many of its events at once.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::value::{json, micros, of_json, span};
use super::{issue, story, writer::Writing};
use crate::event::{Action, Event, GroupId, Organization, RELAY_RESOURCE, RunId, SentryRunId};
use crate::issue::Issue;
use crate::run::{Outline, Run};

/// How many events, and how many deliveries, one step follows at most.
const ROWS_AT_ONCE: i64 = 1_000;
/// How many runs one step writes at most: one transaction, which a webhook may wait for.
const RUNS_AT_ONCE: usize = 32;
/// After how many bytes of artifacts a step reads no further run.
const BYTES_AT_ONCE: usize = 2 * 1024 * 1024;
/// How many bytes of words a run is found by at most.
const WORDS_BYTES: usize = 4 * 1024;
/// How many words are searched for at once at most.
const MOST_WORDS: usize = 20;
/// A longer value is no facet, in bytes: nobody would choose it.
const LONGEST_VALUE: usize = 200;
/// How many values of one kind are facets of a run at most.
const MOST_VALUES: usize = 100;

/// By what runs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Facet {
    /// Whose run it is.
    Organization,
    /// A repository that it is about.
    Repo,
    /// How far it has come.
    State,
    /// An action that it announced.
    Action,
    /// Where it was sent.
    Destination,
}

impl Facet {
    /// Returns its word, as it stands in the column.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Repo => "repo",
            Self::State => "state",
            Self::Action => "action",
            Self::Destination => "destination",
        }
    }
}

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
    events: usize,
    stalls: usize,
    facets: BTreeSet<(Facet, String)>,
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
    let facets = facets(connection, number, &outline, events)?;
    let words = words_of(&run, &outline, issue.as_ref());
    let stalls = events.iter().filter(|event| event.action == Action::RunStalled).count();
    Ok(Some(Listed { outline, events: events.len(), stalls, facets, words }))
}

fn facets(
    connection: &Connection,
    number: i64,
    outline: &Outline,
    events: &[Event],
) -> rusqlite::Result<BTreeSet<(Facet, String)>> {
    let destinations: Vec<String> = connection
        .prepare_cached(
            "SELECT DISTINCT t.name FROM event e CROSS JOIN delivery d ON d.event_sequence = e.sequence
                    CROSS JOIN destination t ON t.id = d.destination_id WHERE e.run_number = ?1",
        )?
        .query_map([number], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut facets = BTreeSet::new();
    let mut add = |facet, values: &mut dyn Iterator<Item = &str>| {
        let fitting = values.filter(|value| !value.is_empty() && value.len() <= LONGEST_VALUE);
        facets.extend(fitting.take(MOST_VALUES).map(|value| (facet, value.to_owned())));
    };
    add(Facet::Organization, &mut std::iter::once(outline.organization.as_str()));
    add(Facet::State, &mut std::iter::once(outline.state.as_str()));
    add(Facet::Repo, &mut outline.repos.iter().map(String::as_str));
    add(Facet::Action, &mut events.iter().map(|event| event.action.as_str()));
    add(Facet::Destination, &mut destinations.iter().map(String::as_str));
    Ok(facets)
}

/// Returns the words that a run is found by, the most telling ones first.
fn words_of(run: &Run, outline: &Outline, issue: Option<&Issue>) -> String {
    let of_issue = issue.into_iter().flat_map(|issue| {
        let project = issue.project.as_ref().and_then(|project| project.slug.as_deref());
        [issue.short_id.as_deref(), issue.title.as_deref(), issue.culprit.as_deref(), project]
    });
    let ids = [
        outline.run_id.as_ref().map(RunId::as_str),
        outline.sentry_run_id.as_ref().map(SentryRunId::as_str),
        outline.group_id.as_ref().map(GroupId::as_str),
        Some(outline.first_event.as_str()),
    ];
    let pull_requests = outline.pull_requests.iter().map(|each| each.url.as_deref());
    let cause = run.root_cause.as_ref().and_then(|cause| cause.summary.as_deref());
    let plan = run.solution.as_ref().and_then(|solution| solution.summary.as_deref());
    let texts = of_issue.chain(ids).chain(outline.repos.iter().map(|repo| Some(repo.as_str())));
    let texts = texts.chain(pull_requests).chain([cause, plan]);
    let mut words = String::new();
    for text in texts.flatten().chain(run.paths()) {
        // As the words that are searched for are parted.
        for word in text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
        {
            if words.len() + word.len() >= WORDS_BYTES {
                return words;
            }
            words.push_str(word);
            words.push(' ');
        }
    }
    words
}

/// Returns what a text asks for, for `search`: all of its words, each at least as a beginning.
pub(super) fn words_in(text: &str) -> String {
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(MOST_WORDS).map(|word| format!("\"{word}\"*")).collect::<Vec<_>>().join(" ")
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
    let Listed { outline, events, stalls, facets, words } = listed;
    let started_at = micros(outline.started_at);
    let searched: [u8; 32] = Sha256::digest(words).into();
    let before = written(writing, run)?;
    let (old, old_start, was_searched) = match &before {
        Some(before) => (&before.facets, before.started_at, before.searched == searched),
        None => (&BTreeSet::new(), started_at, false),
    };
    let has_moved = old_start != started_at;
    for facet in old.iter().filter(|facet| has_moved || !facets.contains(*facet)) {
        remove_facet(writing, run, old_start, facet)?;
    }
    for (kind, value) in facets.iter().filter(|facet| has_moved || !old.contains(*facet)) {
        writing
            .prepare(
                "INSERT OR IGNORE INTO facet (kind, value, started_at, run_number) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![kind.as_str(), value, started_at, run])?;
    }
    let [root_cause, solution, coding, pull_request] = outline.stages.map(|stage| stage.took().map(span));
    if !was_searched {
        if before.is_some() {
            writing.prepare("DELETE FROM search WHERE rowid = ?1")?.execute([run])?;
        }
        writing.prepare("INSERT INTO search (rowid, words) VALUES (?1, ?2)")?.execute(params![run, words])?;
    }
    writing
        .prepare(
            "INSERT OR REPLACE INTO outline (run_number, started_at, organization, reached, classification, pull_requests,
                                             stalls, root_cause_us, solution_us, coding_us, pull_request_us, events,
                                             outline, facets, searched)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            run,
            started_at,
            outline.organization.as_str(),
            outline.reached().as_str(),
            outline.classification.as_deref().map(fitting),
            count(outline.pull_requests.iter().filter(|each| !each.failed).count()),
            count(*stalls),
            root_cause,
            solution,
            coding,
            pull_request,
            count(*events),
            json(outline),
            json(facets),
            searched
        ])
        .map(drop)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Cuts what strangers write to a length that a report can show.
fn fitting(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_VALUE)).unwrap_or_default()
}

/// What the catalogue has of a run.
struct Written {
    started_at: i64,
    facets: BTreeSet<(Facet, String)>,
    searched: Vec<u8>,
}

fn written(writing: &Writing<'_>, run: i64) -> rusqlite::Result<Option<Written>> {
    writing
        .prepare("SELECT started_at, facets, searched FROM outline WHERE run_number = ?1")?
        .query_row([run], |row| {
            let facets = of_json(row.get_ref(1)?.as_str()?)?;
            Ok(Written { started_at: row.get(0)?, facets, searched: row.get(2)? })
        })
        .optional()
}

fn remove_facet(
    writing: &Writing<'_>,
    run: i64,
    started_at: i64,
    (kind, value): &(Facet, String),
) -> rusqlite::Result<()> {
    writing
        .prepare("DELETE FROM facet WHERE kind = ?1 AND value = ?2 AND started_at = ?3 AND run_number = ?4")?
        .execute(params![kind.as_str(), value, started_at, run])
        .map(drop)
}

/// Removes a run from the catalogue.
pub(super) fn remove(writing: &Writing<'_>, run: i64) -> rusqlite::Result<()> {
    let Some(before) = written(writing, run)? else { return Ok(()) };
    for facet in &before.facets {
        remove_facet(writing, run, before.started_at, facet)?;
    }
    writing.prepare("DELETE FROM search WHERE rowid = ?1")?.execute([run])?;
    writing.prepare("DELETE FROM outline WHERE run_number = ?1")?.execute([run]).map(drop)
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
