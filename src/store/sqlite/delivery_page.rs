//! Pages of deliveries, the newest first: found by their numbers along an index, and then read, no more than a page needs.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};

use super::history::list_deliveries;
use super::stretch::{self, Log};
use super::value::{json, micros};
use crate::delivery::{DeliveryState, DestinationName};
use crate::store::{Cursor, DeliveryFilter, DeliveryRow, Page};

/// How many deliveries are looked at for one page at most, where no index leads to those that fit.
const LOOKED_AT: i64 = 20_000;

/// Lists deliveries, newest first.
pub(super) fn deliveries(
    connection: &Connection,
    filter: &DeliveryFilter,
    after: Option<Cursor>,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<Page<DeliveryRow>> {
    let Some(asked) = Asked::of(connection, filter, after, limit, now)? else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let candidates = asked.candidates(connection)?;
    let mut items = asked.read(connection, &candidates)?;
    let next = if items.len() > limit {
        items.truncate(limit);
        items.last().map(|row| place_of(connection, row.id.as_str())).transpose()?
    } else {
        candidates.rest(connection, asked.first)?
    };
    Ok(Page { items, next })
}

/// What is asked for.
struct Asked {
    state: Option<DeliveryState>,
    /// The destination that is asked for, if one is.
    destination: Option<i64>,
    /// The first number that any may have.
    first: i64,
    since: i64,
    until: i64,
    /// Numbers below this one.
    before: i64,
    /// One more than fits says whether there is a next page.
    most: i64,
    now: Timestamp,
}

/// Where deliveries may be that fit.
enum Candidates {
    /// These numbers, the newest first; `is_all` where there are no further ones.
    Numbers { numbers: Vec<i64>, is_all: bool },
    /// Whatever lies from this number on.
    From(i64),
}

impl Asked {
    /// Returns `None` where nothing can fit.
    fn of(
        connection: &Connection,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> rusqlite::Result<Option<Self>> {
        let destination = match &filter.destination {
            None => None,
            Some(name) => {
                let Some(id) = destination(connection, name)? else { return Ok(None) };
                Some(id)
            }
        };
        let since = filter.since.map_or(i64::MIN, micros);
        let until = filter.until.map_or(i64::MAX, micros);
        let clock_error = stretch::LISTED_CLOCK_ERROR;
        let (first, last) =
            stretch::find(connection, Log::Deliveries, filter.since, filter.until, clock_error)?;
        let end = last.saturating_add(1);
        let before = after.map_or(end, |Cursor(number)| number.min(end));
        let most = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        Ok(Some(Self { state: filter.state, destination, first, since, until, before, most, now }))
    }

    fn candidates(&self, connection: &Connection) -> rusqlite::Result<Candidates> {
        let (numbers, is_all) = match self.state {
            None | Some(DeliveryState::Delivered | DeliveryState::Superseded) => {
                return Ok(Candidates::From(self.before.saturating_sub(LOOKED_AT).max(0)));
            }
            Some(DeliveryState::Waiting) => self.waiting(connection)?,
            Some(DeliveryState::Sending) => (leased(connection)?, true),
            Some(DeliveryState::Dead) => self.dead(connection)?,
        };
        Ok(Candidates::Numbers { numbers, is_all })
    }

    /// The newest unfinished ones are found in their index alone, however many there are; so many more than asked for as
    /// are leased, which are then left out.
    fn waiting(&self, connection: &Connection) -> rusqlite::Result<(Vec<i64>, bool)> {
        let leased = i64::try_from(leased(connection)?.len()).unwrap_or(i64::MAX);
        let most = self.most.saturating_add(leased);
        let numbers: Vec<i64> = connection
            .prepare_cached(
                "SELECT number FROM delivery INDEXED BY delivery_lane
                 WHERE state = 'waiting' AND number < ?1 AND (?2 IS NULL OR destination_id = ?2)
                 ORDER BY number DESC LIMIT ?3",
            )?
            .query_map(params![self.before, self.destination, most], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let is_all = is_fewer(&numbers, most);
        Ok((numbers, is_all))
    }

    /// Of each destination the newest ones lie together.
    fn dead(&self, connection: &Connection) -> rusqlite::Result<(Vec<i64>, bool)> {
        let destinations = match self.destination {
            Some(destination) => vec![destination],
            None => destinations(connection)?,
        };
        let mut of_one = connection.prepare_cached(
            "SELECT number FROM delivery INDEXED BY delivery_dead
             WHERE destination_id = ?1 AND state = 'dead' AND number < ?2 ORDER BY number DESC LIMIT ?3",
        )?;
        let mut numbers: Vec<i64> = Vec::new();
        for destination in destinations {
            let rows = of_one.query_map([destination, self.before, self.most], |row| row.get(0))?;
            for number in rows {
                numbers.push(number?);
            }
        }
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        let is_all = is_fewer(&numbers, self.most);
        numbers.truncate(usize::try_from(self.most).unwrap_or(usize::MAX));
        Ok((numbers, is_all))
    }

    fn read(&self, connection: &Connection, candidates: &Candidates) -> rusqlite::Result<Vec<DeliveryRow>> {
        let state = match self.state {
            None => "?4 IS NOT NULL",
            Some(DeliveryState::Waiting) => "(d.lease_until IS NULL OR d.lease_until <= ?4)",
            Some(DeliveryState::Sending) => "d.lease_until > ?4",
            Some(DeliveryState::Delivered) => "?4 IS NOT NULL AND d.state = 'delivered'",
            Some(DeliveryState::Superseded) => "?4 IS NOT NULL AND d.state = 'superseded'",
            Some(DeliveryState::Dead) => "?4 IS NOT NULL AND d.state = 'dead'",
        };
        let mut values = vec![
            self.destination.map_or(Value::Null, Value::Integer),
            Value::Integer(self.since),
            Value::Integer(self.until),
            Value::Integer(micros(self.now)),
            Value::Integer(self.most),
            Value::Integer(self.before),
        ];
        let (from, place) = match candidates {
            Candidates::Numbers { numbers, .. } => {
                values.push(Value::Text(json(numbers)));
                let from = "json_each(?7) c CROSS JOIN delivery d ON d.number = c.value";
                (from, "d.number < ?6")
            }
            Candidates::From(least) => {
                values.push(Value::Integer(*least));
                ("delivery d", "d.number < ?6 AND d.number >= ?7")
            }
        };
        list_deliveries(
            connection,
            &format!("{from} CROSS JOIN event e ON e.sequence = d.event_sequence"),
            &[
                place,
                "(?1 IS NULL OR d.destination_id = ?1)",
                "d.created_at >= ?2 AND d.created_at < ?3",
                state,
            ],
            values,
            "ORDER BY d.number DESC LIMIT ?5",
            self.now,
        )
    }
}

impl Candidates {
    /// Returns where to go on behind these, where something older may be asked for.
    fn rest(&self, connection: &Connection, first: i64) -> rusqlite::Result<Option<Cursor>> {
        let last = match self {
            Self::Numbers { is_all: true, .. } => return Ok(None),
            Self::Numbers { numbers, .. } => numbers.last().copied(),
            Self::From(least) => Some(*least),
        };
        let Some(last) = last else { return Ok(None) };
        let may_be_more = connection
            .prepare_cached("SELECT 1 FROM delivery WHERE number >= ?1 AND number < ?2")?
            .exists([first, last])?;
        Ok(may_be_more.then_some(Cursor(last)))
    }
}

fn is_fewer(numbers: &[i64], most: i64) -> bool {
    i64::try_from(numbers.len()).is_ok_and(|number| number < most)
}

fn destination(connection: &Connection, name: &DestinationName) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM destination WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()
}

fn destinations(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached("SELECT id FROM destination")?.query_map([], |row| row.get(0))?.collect()
}

/// The few that somebody has.
fn leased(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT number FROM delivery INDEXED BY delivery_leased WHERE lease_until IS NOT NULL",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn place_of(connection: &Connection, id: &str) -> rusqlite::Result<Cursor> {
    connection
        .prepare_cached("SELECT number FROM delivery WHERE id = ?1")?
        .query_row([id], |row| row.get(0).map(Cursor))
}
