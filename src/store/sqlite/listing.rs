//! Lists of runs, from the catalogue alone: along one index, whatever is asked for, and no further than a page needs.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::catalogue::{Facet, words_in};
use super::issue;
use super::value::{micros, of_json};
use crate::delivery::DestinationName;
use crate::event::Organization;
use crate::run::{Outline, RunState};
use crate::store::{Choices, Cursor, Page, Pulse, RunFilter, RunRow};

/// How many runs are looked at for one page at most; where more would have to be, the page ends early: by words each takes
/// about 10 µs.
const LOOKED_AT: usize = 5_000;
/// Of how many runs it is found out exactly which condition holds for the fewest.
const COUNTED: i64 = 2_000;
/// How many deliveries under way are looked at to learn whether something happened.
const UNDER_WAY: i64 = 10_000;
/// How many values of one kind people can choose from.
const MOST_CHOICES: usize = 200;

/// Lists runs, the newest first: by when they began, those found by their words by the order in which they were opened.
pub(super) fn runs(
    connection: &Connection,
    filter: &RunFilter,
    after: Option<Cursor>,
    limit: usize,
) -> rusqlite::Result<Page<RunRow>> {
    let words = filter.text.as_deref().map(words_in).filter(|words| !words.is_empty());
    let conditions = conditions(filter);
    let bounds = Bounds::of(filter, after);
    let fewest = match (&words, conditions.len()) {
        // One condition alone is walked along, whatever it holds for.
        (_, 0) | (None, 1) => None,
        (Some(_), 1..) | (None, 2..) => fewest(connection, &conditions)?,
    };
    if fewest.is_some_and(|(number, _)| number == 0) {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let (by, others) = match &words {
        Some(words) => (By::Words(words), conditions),
        None => split(conditions, fewest.map_or(0, |(_, place)| place)),
    };
    let mut page = Page { items: Vec::new(), next: None };
    let mut last: Option<Cursor> = None;
    let mut walk = connection.prepare_cached(by.sql())?;
    let mut rows = by.start(&mut walk, bounds)?;
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        let place = Cursor { at: row.get(0)?, number: row.get(1)? };
        looked_at += 1;
        let fits = bounds.holds(place.at) && all_hold(connection, &others, place)?;
        if page.items.len() == limit || looked_at > LOOKED_AT {
            // Behind a full page only another one of what fits says that there is a next one.
            if fits || looked_at > LOOKED_AT {
                page.next = last;
                break;
            }
            continue;
        }
        last = Some(place);
        if fits {
            page.items.extend(read(connection, place.number)?);
        }
    }
    Ok(page)
}

/// One thing that has to hold.
type Condition = (Facet, String);

fn conditions(filter: &RunFilter) -> Vec<Condition> {
    let RunFilter { organization, repo, state, action, destination, .. } = filter;
    let of = |facet, value: Option<&str>| value.map(|value| (facet, value.to_owned()));
    [
        of(Facet::Organization, organization.as_ref().map(Organization::as_str)),
        of(Facet::Repo, repo.as_deref()),
        of(Facet::State, state.map(RunState::as_str)),
        of(Facet::Action, action.as_deref()),
        of(Facet::Destination, destination.as_ref().map(DestinationName::as_str)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// From when to when runs began that are listed, in microseconds, and behind which one.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    since: i64,
    until: i64,
    after: Cursor,
}

impl Bounds {
    fn of(filter: &RunFilter, after: Option<Cursor>) -> Self {
        let since = filter.since.map_or(i64::MIN, micros);
        let until = filter.until.map_or(i64::MAX, micros);
        let first = Cursor { at: until, number: if filter.until.is_some() { i64::MIN } else { i64::MAX } };
        Self { since, until, after: after.unwrap_or(first) }
    }

    fn holds(self, at: i64) -> bool {
        (self.since..self.until).contains(&at)
    }
}

/// Along what runs are looked at.
enum By<'a> {
    /// All of them.
    Start,
    /// Those for which this holds.
    Condition(Condition),
    /// Those that all of these words lead to.
    Words(&'a str),
}

impl By<'_> {
    fn sql(&self) -> &'static str {
        match self {
            Self::Start => {
                "SELECT started_at, run_number FROM outline INDEXED BY outline_started
                 WHERE started_at >= ?3 AND (started_at, run_number) < (?1, ?2)
                 ORDER BY started_at DESC, run_number DESC"
            }
            Self::Condition(_) => {
                "SELECT started_at, run_number FROM facet
                 WHERE kind = ?4 AND value = ?5 AND started_at >= ?3 AND (started_at, run_number) < (?1, ?2)
                 ORDER BY started_at DESC, run_number DESC"
            }
            Self::Words(_) => {
                "SELECT o.started_at, s.rowid FROM search s CROSS JOIN outline o ON o.run_number = s.rowid
                 WHERE search MATCH ?1 AND s.rowid < ?2 ORDER BY s.rowid DESC"
            }
        }
    }

    fn start<'s>(
        &self,
        walk: &'s mut rusqlite::CachedStatement<'_>,
        bounds: Bounds,
    ) -> rusqlite::Result<rusqlite::Rows<'s>> {
        let Bounds { since, after, .. } = bounds;
        match self {
            Self::Start => walk.query(params![after.at, after.number, since]),
            Self::Condition((facet, value)) => {
                walk.query(params![after.at, after.number, since, facet.as_str(), value])
            }
            // The first page begins at the newest, whatever the bounds are.
            Self::Words(words) => {
                let number = if after.number == i64::MIN { i64::MAX } else { after.number };
                walk.query(params![words, number])
            }
        }
    }
}

/// Returns which of these conditions holds for the fewest runs, and for how many, as far as they are counted.
fn fewest(connection: &Connection, conditions: &[Condition]) -> rusqlite::Result<Option<(i64, usize)>> {
    let mut fewest: Option<(i64, usize)> = None;
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM facet WHERE kind = ?1 AND value = ?2 LIMIT ?3)",
    )?;
    for (place, (facet, value)) in conditions.iter().enumerate() {
        let number = count.query_row(params![facet.as_str(), value, COUNTED], |row| row.get(0))?;
        if fewest.is_none_or(|(least, _)| number < least) {
            fewest = Some((number, place));
        }
    }
    Ok(fewest)
}

/// Takes the condition of this place to walk along, and leaves the others.
fn split(mut conditions: Vec<Condition>, place: usize) -> (By<'static>, Vec<Condition>) {
    if conditions.is_empty() {
        return (By::Start, conditions);
    }
    let taken = conditions.remove(place);
    (By::Condition(taken), conditions)
}

fn all_hold(connection: &Connection, conditions: &[Condition], place: Cursor) -> rusqlite::Result<bool> {
    for (facet, value) in conditions {
        let holds = connection
            .prepare_cached(
                "SELECT 1 FROM facet WHERE kind = ?1 AND value = ?2 AND started_at = ?3 AND run_number = ?4",
            )?
            .exists(params![facet.as_str(), value, place.at, place.number])?;
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read(connection: &Connection, run: i64) -> rusqlite::Result<Option<RunRow>> {
    let found = connection
        .prepare_cached("SELECT outline, events FROM outline WHERE run_number = ?1")?
        .query_row([run], |row| Ok((of_json::<Outline>(row.get_ref(0)?.as_str()?)?, number(row, 1)?)))
        .optional()?;
    let Some((outline, events)) = found else { return Ok(None) };
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
    Ok(Choices {
        organizations: values(connection, Facet::Organization)?,
        repos: values(connection, Facet::Repo)?,
        actions: values(connection, Facet::Action)?,
        destinations: values(connection, Facet::Destination)?,
    })
}

/// Steps from one value to the next, however many runs have each.
fn values(connection: &Connection, facet: Facet) -> rusqlite::Result<Vec<String>> {
    let mut next =
        connection.prepare_cached("SELECT min(value) FROM facet WHERE kind = ?1 AND value > ?2")?;
    let mut values: Vec<String> = Vec::new();
    while values.len() < MOST_CHOICES {
        let last = values.last().map_or("", String::as_str);
        let Some(value) =
            next.query_row(params![facet.as_str(), last], |row| row.get::<_, Option<String>>(0))?
        else {
            break;
        };
        values.push(value);
    }
    Ok(values)
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
