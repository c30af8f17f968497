//! Destinations: what is remembered of them over a restart. Of an address only a keyed fingerprint is kept.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::value::{micros, time};
use super::{fallback, writer::Writing};
use crate::delivery::{DestinationKind, DestinationName};
use crate::store::{DestinationChange, DestinationEntry, DestinationStatus};

/// Returns the number of a destination that is known.
pub(super) fn find(writing: &Writing<'_>, name: &DestinationName) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare("SELECT id FROM destination WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()
}

/// Returns the number of a destination, which is made known where it is not.
pub(super) fn ensure(
    writing: &Writing<'_>,
    name: &DestinationName,
    kind: DestinationKind,
) -> rusqlite::Result<i64> {
    if let Some(id) = find(writing, name)? {
        return Ok(id);
    }
    writing
        .prepare("INSERT INTO destination (name, kind) VALUES (?1, ?2)")?
        .insert([name.as_str(), kind.as_str()])
}

/// Makes the configured destinations known; a new address ends what was remembered of the old one. An address that is
/// not known now, because its secret is unset, ends nothing. Nothing stays due later than `latest_due`, unless a mute
/// holds it back, nor held for longer where the clock was set back.
pub(super) fn register(
    writing: &Writing<'_>,
    entries: &[DestinationEntry],
    now: Timestamp,
    latest_due: Timestamp,
) -> rusqlite::Result<Vec<DestinationStatus>> {
    let was_set_back = was_set_back(writing, now)?;
    let key: Vec<u8> = writing.connection.query_row("SELECT address_key FROM store", [], |row| row.get(0))?;
    let mut statuses = Vec::with_capacity(entries.len());
    forget_removed(writing, entries)?;
    release_removed(writing, entries, now)?;
    for entry in entries {
        let id = ensure(writing, &entry.name, entry.kind)?;
        writing
            .prepare("UPDATE destination SET kind = ?2 WHERE id = ?1")?
            .execute(params![id, entry.kind.as_str()])?;
        if let Some(address) = &entry.address {
            writing
                .prepare(
                    "UPDATE destination SET address_fingerprint = ?2, gone_since = NULL, held_until = NULL
                     WHERE id = ?1 AND address_fingerprint IS NOT ?2",
                )?
                .execute(params![id, fingerprint(&key, address)])?;
        }
        // By the index of what is due: where no clock was set back, it finds nothing but a digest, which has its time.
        writing
            .prepare(
                "UPDATE delivery
                 SET due_at = min(due_at, max(?2, coalesce(held_until, ?2), ?3 + coalesce(digest_due_at - created_at, 0)))
                 WHERE destination_id = ?1 AND due_at > ?2 AND due_at > coalesce(held_until, ?2)
                   AND lease_until IS NULL",
            )?
            .execute([id, micros(latest_due), micros(now)])?;
        set_fallback(writing, id, entry.fallback.as_ref(), entries)?;
        let status = writing
            .prepare("SELECT name, held_until, gone_since FROM destination WHERE id = ?1")?
            .query_row([id], read_status)?;
        let held_until =
            status.held_until.map(|until| if was_set_back { until.min(latest_due) } else { until });
        statuses.push(DestinationStatus { held_until, ..status });
    }
    Ok(statuses)
}

/// Forgets of destinations that are configured no longer which one stood in for them, and that they were down.
fn forget_removed(writing: &Writing<'_>, entries: &[DestinationEntry]) -> rusqlite::Result<()> {
    let known: Vec<(i64, String)> = writing
        .prepare("SELECT id, name FROM destination WHERE fallback IS NOT NULL OR down_since IS NOT NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, name) in known {
        if entries.iter().all(|entry| entry.name.as_str() != name) {
            writing
                .prepare(
                    "UPDATE destination SET fallback = NULL, down_since = NULL, down_organization = NULL,
                         down_is_told = 0
                     WHERE id = ?1",
                )?
                .execute([id])?;
        }
    }
    Ok(())
}

/// Holds nothing back any more at destinations that are configured no longer, whatever it waits for: it is to be a dead
/// letter at once, which can be replayed.
fn release_removed(
    writing: &Writing<'_>,
    entries: &[DestinationEntry],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let names: serde_json::Value = entries.iter().map(|entry| entry.name.as_str()).collect();
    let removed: Vec<i64> = writing
        .prepare(
            "SELECT id FROM destination t
             WHERE name NOT IN (SELECT value FROM json_each(?1))
               AND EXISTS (SELECT 1 FROM delivery d INDEXED BY delivery_due
                           WHERE d.destination_id = t.id AND d.due_at > ?2 AND d.lease_until IS NULL)",
        )?
        .query_map(params![names.to_string(), micros(now)], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in removed {
        writing
            .prepare(
                "UPDATE delivery INDEXED BY delivery_lane
                 SET held_until = NULL, due_at = min(due_at, ?2), digest_due_at = min(digest_due_at, ?2)
                 WHERE destination_id = ?1 AND state = 'waiting' AND lease_until IS NULL",
            )?
            .execute([id, micros(now)])?;
    }
    Ok(())
}

/// Notes which destination stands in for another one. What waited there while none did is looked at from now on.
fn set_fallback(
    writing: &Writing<'_>,
    id: i64,
    fallback: Option<&DestinationName>,
    entries: &[DestinationEntry],
) -> rusqlite::Result<()> {
    let fallback = fallback.and_then(|name| entries.iter().find(|entry| entry.name == *name));
    let fallback = fallback.map(|entry| ensure(writing, &entry.name, entry.kind)).transpose()?;
    let had_none: bool = writing
        .prepare("SELECT fallback IS NULL FROM destination WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    writing
        .prepare("UPDATE destination SET fallback = ?2 WHERE id = ?1 AND fallback IS NOT ?2")?
        .execute(params![id, fallback])?;
    if had_none && fallback.is_some() { fallback::adopt(writing, id) } else { Ok(()) }
}

/// Tells whether the clock was set back: no event that is kept was received later than now.
fn was_set_back(writing: &Writing<'_>, now: Timestamp) -> rusqlite::Result<bool> {
    let newest: Option<i64> = writing
        .prepare("SELECT received_at FROM event ORDER BY sequence DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(newest.is_some_and(|newest| time(newest) > now))
}

fn fingerprint(key: &[u8], address: &SecretString) -> Vec<u8> {
    // An HMAC takes a key of any length.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mac| mac.chain_update(address.expose_secret()).finalize().into_bytes().to_vec(),
    )
}

fn read_status(row: &rusqlite::Row<'_>) -> rusqlite::Result<DestinationStatus> {
    Ok(DestinationStatus {
        name: DestinationName::new(row.get::<_, String>(0)?),
        held_until: row.get::<_, Option<i64>>(1)?.map(time),
        gone_since: row.get::<_, Option<i64>>(2)?.map(time),
    })
}

/// Lists the destinations for which something waits, or of which something is remembered.
pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<DestinationStatus>> {
    // Each lane has one delivery that is due or leased, so two look-ups by index tell whether anything waits.
    connection
        .prepare_cached(
            "SELECT name, held_until, gone_since FROM destination t
             WHERE gone_since IS NOT NULL OR held_until IS NOT NULL
                OR EXISTS (SELECT 1 FROM delivery d WHERE d.destination_id = t.id
                           AND d.due_at IS NOT NULL AND d.lease_until IS NULL)
                OR EXISTS (SELECT 1 FROM delivery d WHERE d.destination_id = t.id AND d.lease_until IS NOT NULL)
             ORDER BY name",
        )?
        .query_map([], read_status)?
        .collect()
}

/// Writes down what an attempt told of its destination. A hold is never shortened.
pub(super) fn change(
    writing: &Writing<'_>,
    destination: i64,
    change: &DestinationChange,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let (sql, at) = match change {
        DestinationChange::None => return Ok(()),
        DestinationChange::HeldUntil(until) => {
            ("UPDATE destination SET held_until = max(coalesce(held_until, ?2), ?2) WHERE id = ?1", *until)
        }
        DestinationChange::Gone => {
            ("UPDATE destination SET gone_since = coalesce(gone_since, ?2) WHERE id = ?1", now)
        }
    };
    writing.prepare(sql)?.execute([destination, micros(at)]).map(drop)
}

/// Forgets that a destination is gone or held.
pub(super) fn reopen(writing: &Writing<'_>, name: &DestinationName) -> rusqlite::Result<()> {
    writing
        .prepare("UPDATE destination SET gone_since = NULL, held_until = NULL WHERE name = ?1")?
        .execute([name.as_str()])
        .map(drop)
}
