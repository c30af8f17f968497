//! Exports: events in order of acceptance, a page from one state of the store, and none held open between two pages.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::catalogue::{self, row};
use super::forget::husk::HUSK;
use super::stretch::{self, CLOCK_ERROR, Log};
use super::value::{micros, time, word};
use super::{history, issue, story};
use crate::delivery::Origin;
use crate::event::{Event, GroupId, Organization, PullRequest};
use crate::run::Outline;
use crate::store::{EventRow, ExportFilter, ExportPage, ExportedDelivery, ExportedEvent, Stretch};

/// How many events are looked at for one page.
const EVENTS_AT_ONCE: i64 = 500;

/// How many deliveries a page has about, after which it ends early.
const DELIVERIES_AT_ONCE: usize = 2_000;

/// Returns which events an export has to look at.
pub(super) fn begin(connection: &Connection, filter: &ExportFilter) -> rusqlite::Result<Stretch> {
    let (next, last) = stretch::find(connection, Log::Events, filter.since, filter.until, CLOCK_ERROR)?;
    Ok(Stretch { next, last })
}

/// Reads the next page.
pub(super) fn page(
    connection: &Connection,
    filter: &ExportFilter,
    stretch: Stretch,
) -> rusqlite::Result<ExportPage> {
    let mut runs = Runs { connection, known: HashMap::new() };
    let mut page = ExportPage { events: Vec::new(), rest: None };
    let (mut looked_at, mut deliveries) = (0, 0);
    let mut events = connection.prepare_cached(
        "SELECT e.sequence, e.id, coalesce(e.organization, ''), e.resource, e.action, e.run_id, e.sentry_run_id,
                e.group_id, e.iteration, e.received_at, e.sent_at, NULL, e.routes, e.issue_unknown, e.planned_at,
                e.run_number
         FROM event e WHERE e.sequence >= ?1 AND e.sequence <= ?2 AND e.action <> ?4
         ORDER BY e.sequence LIMIT ?3",
    )?;
    let mut rows = events.query(params![stretch.next, stretch.last, EVENTS_AT_ONCE, HUSK])?;
    let mut next = stretch.last.saturating_add(1);
    while let Some(row) = rows.next()? {
        let kept = story::read_event(row)?;
        looked_at += 1;
        next = kept.sequence + 1;
        if !is_wanted(filter, &kept.event) {
            continue;
        }
        let number: Option<i64> = row.get(15)?;
        let about = match number {
            Some(number) => runs.about(number, &kept.event)?,
            None => None,
        };
        if filter
            .repo
            .as_ref()
            .is_some_and(|repo| !about.as_ref().is_some_and(|run| run.repos.contains(repo)))
        {
            continue;
        }
        let event = exported(connection, kept, about)?;
        deliveries += event.deliveries.len();
        page.events.push(event);
        if deliveries >= DELIVERIES_AT_ONCE {
            break;
        }
    }
    let is_cut = looked_at == EVENTS_AT_ONCE || deliveries >= DELIVERIES_AT_ONCE;
    if is_cut && next <= stretch.last {
        page.rest = Some(Stretch { next, ..stretch });
    }
    Ok(page)
}

fn is_wanted(filter: &ExportFilter, event: &Event) -> bool {
    let at = micros(event.received_at);
    filter.since.is_none_or(|since| at >= micros(since))
        && filter.until.is_none_or(|until| at < micros(until))
        && filter.organization.as_ref().is_none_or(|organization| event.organization == *organization)
}

fn exported(
    connection: &Connection,
    kept: story::Kept,
    about: Option<About>,
) -> rusqlite::Result<ExportedEvent> {
    let deliveries = deliveries(connection, kept.sequence)?;
    let story::Kept { event, routes, issue_unknown, planned_at, replays, .. } = kept;
    let row = EventRow { event, routes, issue_unknown, planned_at, replays, decided: None };
    let About { run, repos, classification, pull_requests, issue_short_id, issue_title } =
        about.unwrap_or_default();
    Ok(ExportedEvent {
        row,
        run,
        repos,
        classification,
        pull_requests,
        issue_short_id,
        issue_title,
        deliveries,
    })
}

fn deliveries(connection: &Connection, sequence: i64) -> rusqlite::Result<Vec<ExportedDelivery>> {
    let ends: Vec<(Origin, Option<i64>)> = connection
        .prepare_cached("SELECT origin, finished_at FROM delivery WHERE event_sequence = ?1 ORDER BY number")?
        .query_map([sequence], |row| Ok((word(row.get_ref(0)?.as_str()?, Origin::from_word)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    // Every lease counts as a delivery being sent.
    let rows = history::list_deliveries(
        connection,
        "event e CROSS JOIN delivery d ON d.event_sequence = e.sequence",
        &["e.sequence = ?1"],
        vec![Value::Integer(sequence)],
        "ORDER BY d.number",
        jiff::Timestamp::MIN,
    )?;
    let with_end = |(row, (origin, finished_at)): (_, (_, Option<i64>))| ExportedDelivery {
        row,
        origin,
        finished_at: finished_at.map(time),
    };
    Ok(rows.into_iter().zip(ends).map(with_end).collect())
}

/// What an export says of a run with each of its events.
#[derive(Debug, Clone, Default)]
struct About {
    run: Option<String>,
    repos: Vec<String>,
    classification: Option<String>,
    pull_requests: Vec<PullRequest>,
    issue_short_id: Option<String>,
    issue_title: Option<String>,
}

/// Runs that were looked at for this page.
struct Runs<'c> {
    connection: &'c Connection,
    known: HashMap<i64, Option<About>>,
}

impl Runs<'_> {
    /// Returns what is known of a run; `None` where it is a notice that is about no run.
    fn about(&mut self, number: i64, event: &Event) -> rusqlite::Result<Option<About>> {
        if let Some(known) = self.known.get(&number) {
            return Ok(known.clone());
        }
        let outline = outline(self.connection, number)?;
        let about = outline.map(|outline| self.describe(outline, event)).transpose()?;
        self.known.insert(number, about.clone());
        Ok(about)
    }

    fn describe(&self, outline: Outline, event: &Event) -> rusqlite::Result<About> {
        let issue =
            outline.group_id.as_ref().map(|group| self.issue(&event.organization, group)).transpose()?;
        let (issue_short_id, issue_title) = issue.unwrap_or_default();
        Ok(About {
            run: Some(outline.label()),
            repos: outline.repos,
            classification: outline.classification,
            pull_requests: outline.pull_requests,
            issue_short_id,
            issue_title,
        })
    }

    fn issue(
        &self,
        organization: &Organization,
        group: &GroupId,
    ) -> rusqlite::Result<(Option<String>, Option<String>)> {
        let kept = issue::read(self.connection, organization, group)?.and_then(|(kept, _)| kept.issue);
        Ok(kept.map(|issue| (issue.short_id, issue.title)).unwrap_or_default())
    }
}

/// Returns a run as the catalogue has it, and where that has not seen all of it yet, as its events make it.
fn outline(connection: &Connection, run: i64) -> rusqlite::Result<Option<Outline>> {
    let is_current = connection
        .prepare_cached(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM uncatalogued u WHERE u.run_number = ?1)
               AND NOT EXISTS (SELECT 1 FROM event WHERE run_number = ?1 AND sequence > (SELECT seen_event FROM catalogue))",
        )?
        .exists([run])?;
    let listed = if is_current { row::read(connection, run)? } else { None };
    match listed {
        Some((outline, _)) => Ok(Some(outline)),
        None => catalogue::outline_of(connection, run),
    }
}
