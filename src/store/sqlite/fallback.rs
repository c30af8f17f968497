//! Fallbacks: what a destination refused for good, or did not take in time, goes to the one that stands in for it.
//!
//! The time runs, as `fallback_from`, for what waits for a destination with a fallback: for the card of a lane, and for
//! the first of the others, so that what has to go is found in an index of these alone, however much waits. What goes to
//! a fallback goes no further, and an event that the fallback has anyway is not sent there twice.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::delivery::{self, NewDelivery, StandsFor, Start};
use super::value::{micros, of_json_list, span, time, word};
use super::{destination, ids, lane, writer::Writing};
use crate::delivery::{DeliveryId, DestinationName, Mention, Origin, Part, Reason};
use crate::store::{HandOver, HandedOver};

/// Finds the first that waits for `?1` whose time has begun at `?2` at the latest and that was due by `?3`; nobody has it.
const FIND_OVERDUE: &str = "
    SELECT number, run_number, part FROM delivery INDEXED BY delivery_fallback
    WHERE destination_id = ?1 AND fallback_from <= ?2 AND state = 'waiting' AND lease_until IS NULL
      AND coalesce(first_due_at, created_at) <= ?3
    ORDER BY fallback_from, number LIMIT 1";

/// Finds when the time of the first that waits for `?1` began.
const FIRST_BEGAN: &str = "
    SELECT min(fallback_from) FROM delivery INDEXED BY delivery_fallback
    WHERE destination_id = ?1 AND fallback_from IS NOT NULL AND state = 'waiting'";

/// Counts what is due for `?1` at `?2`, up to `?3`.
const COUNT_DUE: &str = "
    SELECT count(*) FROM (SELECT 1 FROM delivery
                          WHERE destination_id = ?1 AND due_at <= ?2 AND lease_until IS NULL LIMIT ?3)";

/// Returns the destination that stands in for another one, where one does.
fn stand_in_of(writing: &Writing<'_>, destination: i64) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare("SELECT fallback FROM destination WHERE id = ?1")?
        .query_row([destination], |row| row.get(0))
        .optional()
        .map(Option::flatten)
}

/// Returns from when on the time of a new delivery runs; `None` where it does not, or not yet.
pub(super) fn begins(
    writing: &Writing<'_>,
    new: &NewDelivery<'_>,
    start: &Start,
    now: i64,
) -> rusqlite::Result<Option<i64>> {
    let goes_no_further = start.superseded || new.stands_for.is_some();
    if goes_no_further || stand_in_of(writing, new.destination)?.is_none() {
        return Ok(None);
    }
    // What a mute holds back is not late before that ends.
    let held_until = start.held_until.unwrap_or(now).max(now);
    match new.part {
        Part::Card if start.held_until.is_some() => Ok(Some(held_until)),
        Part::Card => Ok(Some(start.fallback_from.map_or(now, |from| from.min(now)))),
        Part::Message | Part::Announcement | Part::Digest => match start.due_at {
            Some(due_at) => Ok(Some(due_at)),
            None => Ok(front(writing, new.run, new.destination)?.is_none().then_some(held_until)),
        },
    }
}

/// Returns the first of a lane beside its card.
fn front(writing: &Writing<'_>, run: i64, destination: i64) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT number FROM delivery WHERE run_number = ?1 AND destination_id = ?2 AND state = 'waiting'
               AND (part <> 'card') = 1 ORDER BY number LIMIT 1",
        )?
        .query_row([run, destination], |row| row.get(0))
        .optional()
}

/// Lets the time of what is now the first of a lane run. It has waited since it was planned.
pub(super) fn follow(writing: &Writing<'_>, run: i64, destination: i64) -> rusqlite::Result<()> {
    let Some(front) = front(writing, run, destination)? else { return Ok(()) };
    writing
        .prepare(
            "UPDATE delivery SET fallback_from = max(created_at, coalesce(held_until, created_at))
             WHERE number = ?1 AND fallback_from IS NULL AND fallback_of IS NULL AND fallback_by IS NULL",
        )?
        .execute([front])
        .map(drop)
}

/// Lets the time run of what waited for a destination before it had a fallback: one for each lane.
pub(super) fn adopt(writing: &Writing<'_>, destination: i64) -> rusqlite::Result<()> {
    for is_head in ["due_at IS NOT NULL AND lease_until IS NULL", "lease_until IS NOT NULL"] {
        writing
            .connection
            .prepare_cached(&format!(
                "UPDATE delivery SET fallback_from = coalesce(first_due_at, created_at)
                 WHERE destination_id = ?1 AND {is_head} AND state = 'waiting'
                   AND fallback_from IS NULL AND fallback_of IS NULL AND fallback_by IS NULL"
            ))?
            .execute([destination])?;
    }
    Ok(())
}

/// Hands over what has waited for too long, the oldest first, and no more than the fallback can use: what it could not
/// send soon may as well go on waiting for its own destination, which may come back before.
pub(super) fn hand_over(
    writing: &Writing<'_>,
    wanted: &HandOver,
    now: Timestamp,
) -> rusqlite::Result<HandedOver> {
    let mut handed = HandedOver::default();
    let Some(from) = destination::find(writing, &wanted.from)? else { return Ok(handed) };
    let Some(to) = stand_in_of(writing, from)? else { return Ok(handed) };
    let most = i64::try_from(wanted.limit).unwrap_or(i64::MAX);
    let due: i64 = writing.prepare(COUNT_DUE)?.query_row(params![to, micros(now), most], |row| row.get(0))?;
    let room = usize::try_from(most - due).unwrap_or_default();
    while handed.deliveries.len() < room {
        let Some(next) = overdue(writing, from, wanted, now)? else { break };
        let id = hand_one_over(writing, from, &next, wanted.reason, now)?;
        handed.deliveries.push(id);
    }
    let began: Option<i64> = writing.prepare(FIRST_BEGAN)?.query_row([from], |row| row.get(0))?;
    handed.next_due = began.map(|began| time(began.saturating_add(span(wanted.after))));
    Ok(handed)
}

/// A delivery that has waited for too long.
struct Overdue {
    number: i64,
    run: i64,
    part: Part,
}

fn overdue(
    writing: &Writing<'_>,
    from: i64,
    wanted: &HandOver,
    now: Timestamp,
) -> rusqlite::Result<Option<Overdue>> {
    let began = micros(now).saturating_sub(span(wanted.after));
    writing
        .prepare(FIND_OVERDUE)?
        .query_row([from, began, micros(now)], |row| {
            let part = word(row.get_ref(2)?.as_str()?, Part::from_word)?;
            Ok(Overdue { number: row.get(0)?, run: row.get(1)?, part })
        })
        .optional()
}

/// Hands one delivery over: a card goes on waiting, to be true once its destination is back, and only a message goes.
fn hand_one_over(
    writing: &Writing<'_>,
    from: i64,
    overdue: &Overdue,
    reason: Option<Reason>,
    now: Timestamp,
) -> rusqlite::Result<DeliveryId> {
    let number = overdue.number;
    let last: Option<String> = writing
        .prepare("SELECT last_reason FROM delivery WHERE number = ?1")?
        .query_row([number], |row| row.get(0))?;
    let last = last.map(|text| word(&text, Reason::from_word)).transpose()?;
    take_over(writing, number, last.or(reason), now)?;
    match overdue.part {
        Part::Card => {
            writing
                .prepare("UPDATE delivery SET fallback_from = NULL WHERE number = ?1")?
                .execute([number])?;
        }
        Part::Message | Part::Announcement | Part::Digest => {
            writing
                .prepare(
                    "UPDATE delivery SET state = 'superseded', due_at = NULL, fallback_from = NULL, finished_at = ?2
                     WHERE number = ?1",
                )?
                .execute([number, micros(now)])?;
            lane::promote(writing, overdue.run, from, now)?;
            follow(writing, overdue.run, from)?;
        }
    }
    writing
        .prepare("SELECT id FROM delivery WHERE number = ?1")?
        .query_row([number], |row| row.get(0).map(|id: String| DeliveryId::new(id)))
}

/// Queues what stands for a delivery at its destination's fallback, unless something does already, or it goes no further.
/// An event that the fallback has anyway is told there once.
pub(super) fn take_over(
    writing: &Writing<'_>,
    number: i64,
    reason: Option<Reason>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let found = writing
        .prepare(
            "SELECT d.id, d.event_sequence, d.run_number, t.id, t.name, iif(d.part = 'digest', d.digest, NULL),
                    iif(f.kind = t.kind, d.mentions, NULL)
             FROM delivery d JOIN destination f ON f.id = d.destination_id JOIN destination t ON t.id = f.fallback
             WHERE d.number = ?1 AND d.fallback_of IS NULL AND d.fallback_by IS NULL",
        )?
        .query_row([number], |row| {
            let (id, name) = (row.get::<_, String>(0)?, row.get::<_, String>(4)?);
            let (id, name) = (DeliveryId::new(id), DestinationName::new(name));
            let mentions: Vec<Mention> = of_json_list(row.get_ref(6)?.as_str_or_null()?)?;
            let (event, to): (i64, i64) = (row.get(1)?, row.get(3)?);
            Ok((id, event, row.get(2)?, to, name, row.get::<_, Option<i64>>(5)?, mentions))
        })
        .optional()?;
    let Some((id, event, run, to, name, digest, mentions)) = found else { return Ok(()) };
    // A digest tells of many events, whatever the fallback has of the one that opened it.
    let already = if digest.is_some() { None } else { has_already(writing, event, to)? };
    let by = if let Some(by) = already {
        by
    } else {
        let new = NewDelivery {
            id: &ids::fallback_delivery(&id, &name),
            event,
            run,
            destination: to,
            part: if digest.is_some() { Part::Digest } else { Part::Message },
            digest,
            // The set that a route asks for was written for where it sends to; its people are wanted all the same, where
            // they are known by the same names.
            template_set: None,
            mentions: &mentions,
            muting: None,
            origin: Origin::Fallback,
            superseded: false,
            told_by: None,
            is_routed: true,
            replay_of: None,
            stands_for: Some(StandsFor { number, reason: reason.map(|reason| reason.to_string()) }),
        };
        delivery::insert(writing, &new, now)?.number
    };
    writing.prepare("UPDATE delivery SET fallback_by = ?2 WHERE number = ?1")?.execute([number, by]).map(drop)
}

/// Finds a delivery by which a destination has an event, or will have it.
fn has_already(writing: &Writing<'_>, event: i64, destination: i64) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT number FROM delivery WHERE event_sequence = ?1 AND destination_id = ?2 AND state <> 'dead'
               AND NOT (state = 'superseded' AND muting IS NOT NULL)
             ORDER BY number LIMIT 1",
        )?
        .query_row([event, destination], |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, StatementStatus, ToSql};

    use super::*;

    /// A store in memory with so much waiting that has no business here: in time, behind the head of a lane, for others.
    fn store_with_backlog(size: i64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for migration in [
            include_str!("../migrations/sqlite/0001_store.sql"),
            include_str!("../migrations/sqlite/0004_message.sql"),
            include_str!("../migrations/sqlite/0005_card.sql"),
            include_str!("../migrations/sqlite/0009_mute.sql"),
            include_str!("../migrations/sqlite/0010_fallback.sql"),
        ] {
            connection.execute_batch(migration).unwrap();
        }
        let mut insert = connection
            .prepare(
                "INSERT INTO delivery (id, event_sequence, run_number, destination_id, origin, state, created_at,
                                       due_at, first_due_at, fallback_from)
                 VALUES (?1, 1, ?2, ?3, 'event', 'waiting', 0, ?4, ?4, ?5)",
            )
            .unwrap();
        let mut number = 0;
        let mut add = |run: i64, destination: i64, due_at: Option<i64>, from: Option<i64>| {
            number += 1;
            insert.execute(params![format!("dlv_{number}"), run, destination, due_at, from]).unwrap();
        };
        add(1, 1, Some(0), Some(0));
        for run in 2..2 + size {
            add(1, 1, None, None);
            add(run, 1, Some(500), Some(500));
            add(run, 2, Some(0), Some(0));
            add(run, 3, Some(0), None);
        }
        drop(insert);
        connection
    }

    fn steps(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> i32 {
        let mut statement = connection.prepare(sql).unwrap();
        let mut rows = statement.query(values).unwrap();
        while rows.next().unwrap().is_some() {}
        drop(rows);
        statement.get_status(StatementStatus::VmStep)
    }

    #[test]
    fn to_look_for_what_has_waited_too_long_costs_the_same_however_much_waits() {
        let cost = |size| {
            let connection = store_with_backlog(size);
            [
                steps(&connection, FIND_OVERDUE, &[&1, &100, &100]),
                steps(&connection, FIND_OVERDUE, &[&1, &-1, &100]),
                steps(&connection, FIRST_BEGAN, &[&1]),
                steps(&connection, COUNT_DUE, &[&3, &100, &2]),
            ]
        };
        assert_eq!(cost(2_000), cost(2));
    }
}
