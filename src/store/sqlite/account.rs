//! Accounts: of the deliveries of a run everything that was written down, and of its events why they were routed so.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row};

use super::story::Kept;
use super::value::{time, word};
use crate::delivery::{DeliveryId, Origin, Reason, Rung};
use crate::event::EventId;
use crate::routing::answers::Answers;
use crate::routing::{Basis, RoutingTable};
use crate::store::{Account, Decided, MadeBy, Needless, Try};

/// Reads why events were routed as they were; of one table only once.
#[derive(Default)]
pub(super) struct Tables(HashMap<i64, Option<Arc<RoutingTable>>>);

impl Tables {
    /// Returns what was decided of an event; `None` where that was not written down, or by a version of which this one
    /// understands it no longer.
    pub(super) fn decided(
        &mut self,
        connection: &Connection,
        kept: &Kept,
    ) -> rusqlite::Result<Option<Decided>> {
        let written = connection
            .prepare_cached("SELECT routing, answers, seen FROM event WHERE sequence = ?1")?
            .query_row([kept.sequence], |row| {
                let answers: Option<String> = row.get(1)?;
                Ok((row.get::<_, Option<i64>>(0)?, answers, row.get::<_, Option<String>>(2)?))
            })?;
        let (Some(number), Some(answers), seen) = written else { return Ok(None) };
        let table = match self.0.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(read_table(connection, number)?.map(Arc::new)),
        };
        let table = table.clone();
        let answers = Answers::read(&answers, seen.as_deref());
        Ok(table.zip(answers).and_then(|(table, answers)| {
            let decision = table.decided(&kept.event, answers)?;
            Some(Decided { table, decision })
        }))
    }
}

fn read_table(connection: &Connection, number: i64) -> rusqlite::Result<Option<RoutingTable>> {
    let json: Option<String> = connection
        .prepare_cached("SELECT routes FROM routing WHERE number = ?1")?
        .query_row([number], |row| row.get(0))
        .optional()?;
    Ok(json.and_then(|json| Basis::read(&json)))
}

/// Returns the account of each delivery of a run.
pub(super) fn of_run(connection: &Connection, run: i64) -> rusqlite::Result<BTreeMap<DeliveryId, Account>> {
    let mut tries = tries_of_run(connection, run)?;
    connection
        .prepare_cached(
            "SELECT d.number, d.id, d.template_set, d.origin, d.finished_at,
                    iif(d.state = 'waiting' AND d.due_at IS NULL,
                        (SELECT h.id FROM delivery h
                         WHERE h.run_number = d.run_number AND h.destination_id = d.destination_id AND h.state = 'waiting'
                         ORDER BY h.part <> 'card', h.number LIMIT 1), NULL),
                    iif(d.state = 'waiting', t.held_until, NULL), iif(d.state = 'waiting', t.gone_since, NULL),
                    d.state = 'superseded', d.state = 'superseded' AND d.attempts = 0 AND d.finished_at = d.created_at,
                    (SELECT o.id FROM event o WHERE o.sequence = d.told_by),
                    iif(d.state = 'superseded' AND d.part = 'card',
                        (SELECT n.id FROM delivery n INDEXED BY delivery_card
                         WHERE n.run_number = d.run_number AND n.destination_id = d.destination_id AND n.part = 'card'
                           AND n.number > d.number AND n.created_at = d.finished_at ORDER BY n.number LIMIT 1), NULL),
                    coalesce(d.muting ->> 'dropped', 0), d.fallback_by IS NOT NULL, coalesce(d.digest <> d.number, 0)
             FROM event e CROSS JOIN delivery d ON d.event_sequence = e.sequence
                  CROSS JOIN destination t ON t.id = d.destination_id WHERE e.run_number = ?1",
        )?
        .query_map([run], |row| {
            let number: i64 = row.get(0)?;
            let account = Account {
                template_set: row.get(2)?,
                origin: word(row.get_ref(3)?.as_str()?, Origin::from_word)?,
                finished_at: row.get::<_, Option<i64>>(4)?.map(time),
                behind: row.get::<_, Option<String>>(5)?.map(DeliveryId::new),
                paused_until: row.get::<_, Option<i64>>(6)?.map(time),
                gone_since: row.get::<_, Option<i64>>(7)?.map(time),
                needless: needless(row)?,
                tries: tries.remove(&number).unwrap_or_default(),
            };
            Ok((DeliveryId::new(row.get::<_, String>(1)?), account))
        })?
        .collect()
}

/// Reads why a delivery was superseded, where it was.
fn needless(row: &Row<'_>) -> rusqlite::Result<Option<Needless>> {
    let (is_superseded, from_the_start): (bool, bool) = (row.get(8)?, row.get(9)?);
    let told_by = row.get::<_, Option<String>>(10)?.map(EventId::new);
    let newer = row.get::<_, Option<String>>(11)?.map(DeliveryId::new);
    let (is_dropped, is_taken_over, is_gathered): (bool, bool, bool) =
        (row.get(12)?, row.get(13)?, row.get(14)?);
    Ok(match (told_by, newer) {
        _ if !is_superseded => None,
        (Some(event), _) => Some(Needless::ToldBy(event)),
        (None, Some(card)) => Some(Needless::NewerCard(card)),
        (None, None) if is_dropped => Some(Needless::Dropped),
        (None, None) if is_taken_over => Some(Needless::TakenOver),
        (None, None) if is_gathered => Some(Needless::Gathered),
        (None, None) if from_the_start => Some(Needless::Late),
        (None, None) => Some(Needless::NothingNew),
    })
}

fn tries_of_run(connection: &Connection, run: i64) -> rusqlite::Result<HashMap<i64, Vec<Try>>> {
    let mut statement = connection.prepare_cached(
        "SELECT a.delivery_number, a.attempt, a.started_at, a.duration_us, a.rung, a.status, a.reason, a.words, a.template
         FROM event e CROSS JOIN delivery d ON d.event_sequence = e.sequence
              CROSS JOIN attempt a ON a.delivery_number = d.number
         WHERE e.run_number = ?1 ORDER BY a.delivery_number, a.attempt",
    )?;
    let mut rows = statement.query([run])?;
    let mut tries: HashMap<i64, Vec<Try>> = HashMap::new();
    while let Some(row) = rows.next()? {
        tries.entry(row.get(0)?).or_default().push(read_try(row)?);
    }
    Ok(tries)
}

fn read_try(row: &Row<'_>) -> rusqlite::Result<Try> {
    let template = match row.get_ref(8)?.as_str_or_null()? {
        None => MadeBy::BuiltIn,
        Some("") => MadeBy::Unknown,
        Some(path) => MadeBy::Template(path.to_owned()),
    };
    Ok(Try {
        number: row.get(1)?,
        started_at: time(row.get(2)?),
        duration: Duration::from_micros(row.get::<_, i64>(3)?.unsigned_abs()),
        rung: word(row.get_ref(4)?.as_str()?, Rung::from_word)?,
        status: row.get(5)?,
        reason: row.get_ref(6)?.as_str_or_null()?.map(|text| word(text, Reason::from_word)).transpose()?,
        words: row.get(7)?,
        template,
    })
}
