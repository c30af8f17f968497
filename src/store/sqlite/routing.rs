//! Routing tables: each that an event was routed by is kept once, for as long as such an event is.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::value::{micros, time};
use super::writer::Writing;
use crate::routing::Basis;

/// How exactly it is known when a table was used last: so rarely is that written.
const USED_TO: SignedDuration = SignedDuration::from_hours(1);

/// Returns the number of a table, which is kept from now on where it was not.
pub(super) fn ensure(writing: &Writing<'_>, basis: &Basis, now: Timestamp) -> rusqlite::Result<i64> {
    let known = writing
        .prepare("SELECT number, used_at FROM routing WHERE digest = ?1")?
        .query_row([basis.digest], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
        .optional()?;
    match known {
        Some((number, used_at)) => {
            if now.duration_since(time(used_at)) > USED_TO {
                writing
                    .prepare("UPDATE routing SET used_at = ?2 WHERE number = ?1")?
                    .execute([number, micros(now)])?;
            }
            Ok(number)
        }
        None => writing
            .prepare("INSERT INTO routing (digest, routes, used_at) VALUES (?1, ?2, ?3)")?
            .insert(params![basis.digest, basis.json, micros(now)]),
    }
}

/// A table that no event was routed by any more when it was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unused {
    number: i64,
    used_at: i64,
}

/// Lists the tables that were not used since, and by which no event that is kept was routed.
pub(super) fn unused(connection: &Connection, before: Timestamp) -> rusqlite::Result<Vec<Unused>> {
    // The oldest events are looked at first, so that one which is still needed is found soon.
    let before = before.checked_sub(USED_TO).unwrap_or(Timestamp::MIN);
    connection
        .prepare_cached(
            "SELECT number, used_at FROM routing r
             WHERE used_at < ?1 AND NOT EXISTS (SELECT 1 FROM event e WHERE e.routing = r.number)",
        )?
        .query_map([micros(before)], |row| Ok(Unused { number: row.get(0)?, used_at: row.get(1)? }))?
        .collect()
}

/// Removes tables, unless they were used meanwhile.
pub(super) fn remove(writing: &Writing<'_>, tables: &[Unused]) -> rusqlite::Result<()> {
    for table in tables {
        writing
            .prepare("DELETE FROM routing WHERE number = ?1 AND used_at = ?2")?
            .execute([table.number, table.used_at])?;
    }
    Ok(())
}
