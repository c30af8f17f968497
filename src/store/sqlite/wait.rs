//! How long the store's oldest unfinished delivery has waited.

use rusqlite::{Connection, OptionalExtension};

use super::value::time;
use crate::delivery::DestinationName;
use crate::store::OldestDelivery;

/// Returns the unfinished delivery that was planned first; found in the index of what waits.
pub(super) fn oldest(connection: &Connection) -> rusqlite::Result<Option<OldestDelivery>> {
    connection
        .prepare_cached(
            "SELECT d.created_at, t.name FROM delivery d CROSS JOIN destination t ON t.id = d.destination_id
             WHERE d.number = (SELECT min(number) FROM delivery INDEXED BY delivery_lane WHERE state = 'waiting')",
        )?
        .query_row([], |row| {
            let destination = DestinationName::new(row.get::<_, String>(1)?);
            Ok(OldestDelivery { created_at: time(row.get(0)?), destination })
        })
        .optional()
}
