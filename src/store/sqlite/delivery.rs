//! New deliveries: how a row of the queue comes to be, planned or repeated.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::value::micros;
use super::{lane, writer::Writing};
use crate::delivery::{DeliveryId, Origin};

/// A delivery to be queued.
pub(super) struct NewDelivery<'a> {
    pub(super) id: &'a DeliveryId,
    pub(super) event: i64,
    pub(super) run: i64,
    pub(super) destination: i64,
    pub(super) template_set: Option<&'a str>,
    pub(super) origin: Origin,
    /// Whether it is needless from the start.
    pub(super) superseded: bool,
    /// The delivery that it repeats.
    pub(super) replay_of: Option<i64>,
}

/// Queues a delivery at the end of its lane; where it is alone there, it is due at once.
pub(super) fn insert(writing: &Writing<'_>, new: &NewDelivery<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let now = micros(now);
    let alone = !new.superseded && lane::head(writing, new.run, new.destination)?.is_none();
    let number = writing
        .prepare(
            "INSERT INTO delivery (id, event_sequence, run_number, destination_id, template_set, origin, state,
                                   created_at, due_at, first_due_at, finished_at, replay_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11)",
        )?
        .insert(params![
            new.id.as_str(),
            new.event,
            new.run,
            new.destination,
            new.template_set,
            new.origin.as_str(),
            if new.superseded { "superseded" } else { "waiting" },
            now,
            alone.then_some(now),
            new.superseded.then_some(now),
            new.replay_of,
        ])?;
    if let Some(old) = new.replay_of {
        writing.prepare("UPDATE delivery SET replayed_by = ?2 WHERE number = ?1")?.execute([old, number])?;
    }
    Ok(())
}

/// Returns the newest delivery of an event for a destination.
pub(super) fn newest_of(
    writing: &Writing<'_>,
    event: i64,
    destination: i64,
) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT number FROM delivery WHERE event_sequence = ?1 AND destination_id = ?2
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row([event, destination], |row| row.get(0))
        .optional()
}
