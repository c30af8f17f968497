//! Messages: which one of a run stands first at a destination.

use rusqlite::params;

use super::writer::Writing;
use crate::store::MessageChange;

/// Writes what follows for the first message of a run at a destination.
pub(super) fn change(
    writing: &Writing<'_>,
    run: i64,
    destination: i64,
    change: &MessageChange,
) -> rusqlite::Result<()> {
    match change {
        MessageChange::None => Ok(()),
        MessageChange::First(message) => writing
            .prepare(
                "INSERT INTO message (run_number, destination_id, channel, id) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![run, destination, message.channel, message.id])
            .map(drop),
        MessageChange::Lost => writing
            .prepare("DELETE FROM message WHERE run_number = ?1 AND destination_id = ?2")?
            .execute([run, destination])
            .map(drop),
    }
}
