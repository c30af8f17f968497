//! Husks: empty rows in the place of the newest ones that were removed, so that their numbers are not given out anew while
//! anybody still works with them.

use rusqlite::{OptionalExtension, params};

use crate::event::RELAY_RESOURCE;
use crate::store::sqlite::writer::Writing;

/// The action of an event of which nothing is left but its place.
pub(in crate::store::sqlite) const HUSK: &str = "relay.forgotten";

/// The newest event, of a run that goes.
pub(super) struct Newest {
    sequence: i64,
    id: String,
    received_at: i64,
    fence: i64,
}

/// Sees to it that the numbers of a run, of its deliveries and of its events are not given out anew; of the newest event
/// returns what an empty row needs. A run without events goes by itself.
pub(super) fn leave_newest(writing: &Writing<'_>, run: i64) -> rusqlite::Result<Option<Newest>> {
    for sql in [
        "INSERT INTO run (number, organization, opened_at) SELECT number + 1, NULL, opened_at FROM run
         WHERE number = ?1 AND number = (SELECT max(number) FROM run)",
        "DELETE FROM attempt WHERE delivery_number IN (
             SELECT d.number FROM event e JOIN delivery d ON d.event_sequence = e.sequence WHERE e.run_number = ?1)",
    ] {
        writing.prepare(sql)?.execute([run])?;
    }
    let delivery: Option<i64> = writing
        .prepare(
            "SELECT d.number FROM delivery d JOIN event e ON e.sequence = d.event_sequence
             WHERE d.number = (SELECT max(number) FROM delivery) AND e.run_number = ?1",
        )?
        .query_row([run], |row| row.get(0))
        .optional()?;
    delivery.map_or(Ok(()), |number| leave_delivery(writing, number))?;
    writing
        .prepare(
            "SELECT sequence, id, received_at, fence FROM event
             WHERE run_number = ?1 AND sequence = (SELECT max(sequence) FROM event)",
        )?
        .query_row([run], |row| {
            Ok(Newest {
                sequence: row.get(0)?,
                id: row.get(1)?,
                received_at: row.get(2)?,
                fence: row.get(3)?,
            })
        })
        .optional()
}

/// Puts an empty row in the place of the newest event.
pub(super) fn leave_event(writing: &Writing<'_>, newest: &Newest) -> rusqlite::Result<()> {
    let Newest { sequence, id, received_at, fence } = newest;
    writing.prepare("INSERT OR IGNORE INTO husk (kind, number) VALUES ('event', ?1)")?.execute([sequence])?;
    writing
        .prepare(
            "INSERT INTO event (sequence, id, resource, action, received_at, fence, routes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, '[]')",
        )?
        .execute(params![sequence, id, RELAY_RESOURCE, HUSK, received_at, fence + 1])
        .map(drop)
}

/// Leaves an empty row of a delivery, if it is the newest.
pub(super) fn leave_delivery(writing: &Writing<'_>, number: i64) -> rusqlite::Result<()> {
    let is_newest =
        writing.prepare("SELECT 1 WHERE ?1 = (SELECT max(number) FROM delivery)")?.exists([number])?;
    if !is_newest {
        return Ok(());
    }
    writing
        .prepare("INSERT OR IGNORE INTO husk (kind, number) VALUES ('delivery', ?1)")?
        .execute([number])?;
    writing
        .prepare(
            "UPDATE delivery SET event_sequence = 0, run_number = 0, template_set = NULL, state = 'superseded',
                 due_at = NULL, lease_until = NULL, fence = fence + 1, last_status = NULL, last_reason = NULL,
                 replay_of = NULL, replayed_by = NULL, held_until = NULL, muting = NULL, mentions = NULL,
                 fallback_from = NULL, fallback_of = NULL, fallback_reason = NULL, fallback_by = NULL, digest = NULL,
                 digest_due_at = NULL, digest_until = NULL, told_by = NULL
             WHERE number = ?1",
        )?
        .execute([number])
        .map(drop)
}

/// Removes the empty rows that are the newest no longer.
pub(in crate::store::sqlite) fn clear(writing: &Writing<'_>) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM event WHERE sequence IN (SELECT number FROM husk WHERE kind = 'event')
           AND sequence < (SELECT max(sequence) FROM event)",
        "DELETE FROM delivery WHERE number IN (SELECT number FROM husk WHERE kind = 'delivery')
           AND number < (SELECT max(number) FROM delivery)",
        "DELETE FROM husk WHERE kind = 'event' AND NOT EXISTS (SELECT 1 FROM event WHERE sequence = number)",
        "DELETE FROM husk WHERE kind = 'delivery'
           AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.number = husk.number)",
    ] {
        writing.prepare(sql)?.execute([])?;
    }
    Ok(())
}
