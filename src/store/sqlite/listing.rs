//! Lists of runs, from the catalogue alone: along one index, whatever is asked for, and no further than a page needs.

use rusqlite::{Connection, Row, params};

use super::catalogue::label::{self, Facet};
use super::catalogue::row;
use super::catalogue::words::words_in;
use super::stretch::{self, Log};
use super::value::micros;
use super::{find, issue};
use crate::delivery::DestinationName;
use crate::event::Organization;
use crate::run::RunState;
use crate::store::{Choices, Cursor, Page, Pulse, RunFilter, RunRow};

/// How many runs are looked at for one page at most; where more would have to be, the page ends early: by words each takes
/// about 10 µs.
const LOOKED_AT: usize = 5_000;
/// Of how many runs it is found out exactly which label the fewest have.
const COUNTED: i64 = 2_000;
/// How many deliveries under way are looked at to learn whether something happened.
const UNDER_WAY: i64 = 10_000;
/// How many values of one kind people can choose from.
const MOST_CHOICES: i64 = 200;

/// Lists runs, the newest first: by the order in which they were opened.
pub(super) fn runs(
    connection: &Connection,
    filter: &RunFilter,
    after: Option<Cursor>,
    limit: usize,
) -> rusqlite::Result<Page<RunRow>> {
    let mut page = Page { items: Vec::new(), next: None };
    let Some(labels) = conditions(connection, filter)? else { return Ok(page) };
    let mut bounds = Bounds::of(connection, filter, after)?;
    let text = filter.text.as_deref().map(str::trim);
    let named = text.map(|text| find::run_of(connection, text)).transpose()?.flatten();
    if let Some(run) = named {
        bounds.narrow(run);
    }
    let words = text.filter(|_| named.is_none()).map(|text| words_in(connection, text)).transpose()?;
    let words = words.filter(|words| !words.is_empty());
    let fewest = match (&words, labels.len()) {
        // One label alone is walked along, however many runs have it.
        (_, 0) | (None, 1) => None,
        (Some(_), 1..) | (None, 2..) => fewest(connection, &labels)?,
    };
    let (by, others) = match &words {
        Some(words) => (By::Words(words), labels),
        None => split(labels, fewest.map_or(0, |(_, place)| place)),
    };
    let mut last: Option<i64> = None;
    let mut walk = connection.prepare_cached(by.sql())?;
    let mut rows = by.start(&mut walk, bounds)?;
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        let run = row.get(0)?;
        looked_at += 1;
        let fits = bounds.holds(row.get(1)?) && has_all(connection, &others, run)?;
        if page.items.len() == limit || looked_at > LOOKED_AT {
            // Behind a full page only another one of what fits says that there is a next one.
            if fits || looked_at > LOOKED_AT {
                page.next = last.map(Cursor);
                break;
            }
            continue;
        }
        last = Some(run);
        if fits {
            page.items.extend(read(connection, run)?);
        }
    }
    Ok(page)
}

/// A label that a run has to have.
type Condition = i64;

/// Returns the labels that are asked for; `None` where no run has one of them.
fn conditions(connection: &Connection, filter: &RunFilter) -> rusqlite::Result<Option<Vec<Condition>>> {
    let RunFilter { organization, repo, state, action, destination, .. } = filter;
    let asked = [
        (Facet::Organization, organization.as_ref().map(Organization::as_str)),
        (Facet::Repo, repo.as_deref()),
        (Facet::State, state.map(RunState::as_str)),
        (Facet::Action, action.as_deref()),
        (Facet::Destination, destination.as_ref().map(DestinationName::as_str)),
    ];
    let asked = asked.into_iter().filter_map(|(facet, value)| value.map(|value| (facet, value)));
    asked.map(|(facet, value)| label::find(connection, facet, value)).collect()
}

/// Which runs are looked at, and from when to when they began, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    first: i64,
    last: i64,
    since: i64,
    until: i64,
}

impl Bounds {
    fn of(connection: &Connection, filter: &RunFilter, after: Option<Cursor>) -> rusqlite::Result<Self> {
        let (first, last) =
            stretch::find(connection, Log::Runs, filter.since, filter.until, stretch::LISTED_CLOCK_ERROR)?;
        Ok(Self {
            first,
            last: after.map_or(last, |Cursor(number)| last.min(number.saturating_sub(1))),
            since: filter.since.map_or(i64::MIN, micros),
            until: filter.until.map_or(i64::MAX, micros),
        })
    }

    /// Leaves this one run.
    fn narrow(&mut self, run: i64) {
        (self.first, self.last) = (self.first.max(run), self.last.min(run));
    }

    fn holds(self, at: i64) -> bool {
        (self.since..self.until).contains(&at)
    }
}

/// Along what runs are looked at, from the last one down to the first.
enum By<'a> {
    /// All of them.
    Number,
    /// Those that have this label.
    Label(Condition),
    /// Those that all of these words lead to.
    Words(&'a str),
}

impl By<'_> {
    fn sql(&self) -> &'static str {
        match self {
            Self::Number => {
                "SELECT run_number, started_at FROM outline
                 WHERE run_number >= ?1 AND run_number <= ?2 ORDER BY run_number DESC"
            }
            Self::Label(_) => {
                "SELECT f.run_number, o.started_at FROM facet f CROSS JOIN outline o ON o.run_number = f.run_number
                 WHERE f.label_id = ?3 AND f.run_number >= ?1 AND f.run_number <= ?2 ORDER BY f.run_number DESC"
            }
            Self::Words(_) => {
                "SELECT s.rowid, o.started_at FROM search s CROSS JOIN outline o ON o.run_number = s.rowid
                 WHERE search MATCH ?3 AND s.rowid >= ?1 AND s.rowid <= ?2 ORDER BY s.rowid DESC"
            }
        }
    }

    fn start<'s>(
        &self,
        walk: &'s mut rusqlite::CachedStatement<'_>,
        Bounds { first, last, .. }: Bounds,
    ) -> rusqlite::Result<rusqlite::Rows<'s>> {
        match self {
            Self::Number => walk.query(params![first, last]),
            Self::Label(label) => walk.query(params![first, last, label]),
            Self::Words(words) => walk.query(params![first, last, words]),
        }
    }
}

/// Returns which of these labels the fewest runs have, and how many do, as far as they are counted.
fn fewest(connection: &Connection, labels: &[Condition]) -> rusqlite::Result<Option<(i64, usize)>> {
    let mut fewest: Option<(i64, usize)> = None;
    let mut count = connection
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM facet WHERE label_id = ?1 LIMIT ?2)")?;
    for (place, label) in labels.iter().enumerate() {
        let number = count.query_row(params![label, COUNTED], |row| row.get(0))?;
        if fewest.is_none_or(|(least, _)| number < least) {
            fewest = Some((number, place));
        }
    }
    Ok(fewest)
}

/// Takes the label of this place to walk along, and leaves the others.
fn split(mut labels: Vec<Condition>, place: usize) -> (By<'static>, Vec<Condition>) {
    if labels.is_empty() {
        return (By::Number, labels);
    }
    let taken = labels.remove(place);
    (By::Label(taken), labels)
}

fn has_all(connection: &Connection, labels: &[Condition], run: i64) -> rusqlite::Result<bool> {
    for label in labels {
        let has = connection
            .prepare_cached("SELECT 1 FROM facet WHERE label_id = ?1 AND run_number = ?2")?
            .exists(params![label, run])?;
        if !has {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read(connection: &Connection, run: i64) -> rusqlite::Result<Option<RunRow>> {
    let Some((outline, events)) = row::read(connection, run)? else { return Ok(None) };
    let (deliveries, dead) = deliveries_of(connection, run)?;
    let issue = match &outline.group_id {
        Some(group) => {
            issue::read(connection, &outline.organization, group)?.and_then(|(kept, _)| kept.issue)
        }
        None => None,
    };
    Ok(Some(RunRow { run: outline, issue, events, deliveries, dead }))
}

/// Counts the deliveries of a run, and the dead letters among them.
pub(super) fn deliveries_of(connection: &Connection, run: i64) -> rusqlite::Result<(u64, u64)> {
    connection
        .prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE d.state = 'dead')
             FROM event e CROSS JOIN delivery d ON d.event_sequence = e.sequence WHERE e.run_number = ?1",
        )?
        .query_row([run], |row| Ok((number(row, 0)?, number(row, 1)?)))
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(|number: i64| u64::try_from(number).unwrap_or_default())
}

/// Lists what runs can be filtered by.
pub(super) fn choices(connection: &Connection) -> rusqlite::Result<Choices> {
    let values = |facet| label::values(connection, facet, MOST_CHOICES);
    Ok(Choices {
        organizations: values(Facet::Organization)?,
        repos: values(Facet::Repo)?,
        actions: values(Facet::Action)?,
        destinations: values(Facet::Destination)?,
    })
}

/// Tells how many events the catalogue has not seen yet.
pub(super) fn behind(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT max(0, coalesce((SELECT max(sequence) FROM event), 0) - (SELECT seen_event FROM catalogue))",
        )?
        .query_row([], |row| number(row, 0))
}

/// Where the catalogue is, what is under way and when the next of it falls due: no more of it is looked at than is at once.
/// Where more is, the catalogue moves all the time.
pub(super) fn pulse(connection: &Connection) -> rusqlite::Result<Pulse> {
    connection
        .prepare_cached(
            "SELECT c.seen_event, c.seen_delivery,
                    (SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_lane
                                           WHERE state = 'waiting' LIMIT ?1)),
                    (SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_leased
                                           WHERE lease_until IS NOT NULL LIMIT ?1)),
                    (SELECT coalesce(sum(due_at % 1000000007), 0)
                     FROM (SELECT due_at FROM delivery INDEXED BY delivery_due
                           WHERE due_at IS NOT NULL AND lease_until IS NULL LIMIT ?1))
             FROM catalogue c",
        )?
        .query_row([UNDER_WAY], |row| {
            Ok(Pulse([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))
        })
}
