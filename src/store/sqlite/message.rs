//! Messages: which one of a run stands first at a destination, and what it shows.

use rusqlite::params;

use super::{value::json_list, writer::Writing};
use crate::delivery::FirstMessage;
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
        MessageChange::First(FirstMessage { place, shows, mentions }) => writing
            .prepare(
                "INSERT INTO message (run_number, destination_id, channel, id, shows, mentions)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                run,
                destination,
                place.channel,
                place.id,
                shows.map(|shows| shows.0),
                json_list(mentions),
            ])
            .map(drop),
        MessageChange::Shows(shows) => writing
            .prepare("UPDATE message SET shows = ?3 WHERE run_number = ?1 AND destination_id = ?2")?
            .execute(params![run, destination, shows.0])
            .map(drop),
        MessageChange::Lost => writing
            .prepare("DELETE FROM message WHERE run_number = ?1 AND destination_id = ?2")?
            .execute([run, destination])
            .map(drop),
    }
}

/// Tells whether a run has a first message at a destination.
pub(super) fn stands(writing: &Writing<'_>, run: i64, destination: i64) -> rusqlite::Result<bool> {
    writing
        .prepare("SELECT 1 FROM message WHERE run_number = ?1 AND destination_id = ?2")?
        .exists([run, destination])
}
