//! New deliveries: how a row of the queue comes to be, planned or repeated.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::value::micros;
use super::{card, lane, writer::Writing};
use crate::delivery::{DeliveryId, Origin, Part};

/// A delivery to be queued.
pub(super) struct NewDelivery<'a> {
    pub(super) id: &'a DeliveryId,
    pub(super) event: i64,
    pub(super) run: i64,
    pub(super) destination: i64,
    pub(super) part: Part,
    pub(super) template_set: Option<&'a str>,
    pub(super) origin: Origin,
    /// Whether it is needless from the start.
    pub(super) superseded: bool,
    /// The other event by which it is needless, where it is.
    pub(super) told_by: Option<i64>,
    /// The delivery that it repeats.
    pub(super) replay_of: Option<i64>,
}

/// Queues a delivery: a card at the head of its lane, in the place of one that waits there, any other one at the end.
/// What is the head is due at once.
pub(super) fn insert(writing: &Writing<'_>, new: &NewDelivery<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let now = micros(now);
    let start = start(writing, new, now)?;
    let number = writing
        .prepare(
            "INSERT INTO delivery (id, event_sequence, run_number, destination_id, part, template_set, origin, state,
                                   created_at, due_at, first_due_at, failures, in_doubt, finished_at, replay_of,
                                   told_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, iif(?10 IS NULL, NULL, ?9), ?11, ?12, ?13, ?14, ?15)",
        )?
        .insert(params![
            new.id.as_str(),
            new.event,
            new.run,
            new.destination,
            new.part.as_str(),
            new.template_set,
            new.origin.as_str(),
            if new.superseded { "superseded" } else { "waiting" },
            now,
            start.due_at,
            start.failures,
            start.in_doubt,
            new.superseded.then_some(now),
            new.replay_of,
            new.told_by,
        ])?;
    if let Some(old) = new.replay_of {
        writing.prepare("UPDATE delivery SET replayed_by = ?2 WHERE number = ?1")?.execute([old, number])?;
    }
    Ok(())
}

fn start(writing: &Writing<'_>, new: &NewDelivery<'_>, now: i64) -> rusqlite::Result<card::Inheritance> {
    if new.superseded {
        return Ok(card::Inheritance::default());
    }
    match new.part {
        Part::Card => card::succeed(writing, new.run, new.destination, now),
        Part::Message | Part::Announcement => {
            let is_alone = lane::head(writing, new.run, new.destination)?.is_none();
            Ok(card::Inheritance { due_at: is_alone.then_some(now), ..card::Inheritance::default() })
        }
    }
}

/// Returns the newest delivery of this part of an event for a destination.
pub(super) fn newest_of(
    writing: &Writing<'_>,
    event: i64,
    destination: i64,
    part: Part,
) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT number FROM delivery WHERE event_sequence = ?1 AND destination_id = ?2 AND part = ?3
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row(params![event, destination, part.as_str()], |row| row.get(0))
        .optional()
}
