//! Digests: deliveries that are told together, by the one that opened the digest, its carrier.
//!
//! What a digest covers is settled by its claim: nothing joins one that is leased, nor one of which an attempt may have
//! arrived; what comes then opens the next. So each event is in exactly one of them, however often that is sent.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::delivery::{self, NewDelivery};
use super::value::{micros, micros_after, time};
use super::{issue, story, writer::Writing};
use crate::delivery::DeliveryId;
use crate::event::EventId;
use crate::render::digest::{Digest, Digested};
use crate::run::Run;

/// In place of a run in the lane of a destination's digests: they are about many, and none waits for a message of one.
pub(super) const DIGEST_LANE: i64 = -1;

/// Adds an event to the digest that gathers at its destination, or opens one that is due after `within`. It is needless
/// where an earlier digest told the other one, of which it is no news.
pub(super) fn gather(
    writing: &Writing<'_>,
    new: &NewDelivery<'_>,
    within: Duration,
    unless: Option<&EventId>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    if new.muting.is_some_and(|muting| muting.dropped) {
        return delivery::insert(writing, new, now).map(drop);
    }
    let gathering = gathering(writing, new.destination)?;
    if let Some(other) = unless
        && let told_by @ Some(_) = told_before(writing, other, new.destination, gathering)?
    {
        let needless = NewDelivery { superseded: true, told_by, ..new.clone() };
        return delivery::insert(writing, &needless, now).map(drop);
    }
    if let Some(carrier) = gathering {
        let joined = NewDelivery { superseded: true, digest: Some(carrier), ..new.clone() };
        if new.muting.is_none() {
            hurry(writing, carrier, micros_after(now, within))?;
        }
        return delivery::insert(writing, &joined, now).map(drop);
    }
    let carrier = NewDelivery { run: DIGEST_LANE, ..new.clone() };
    let number = delivery::insert(writing, &carrier, now)?.number;
    writing
        .prepare(
            "UPDATE delivery SET digest = ?1, digest_due_at = max(?2, coalesce(held_until, ?2)),
                 due_at = iif(due_at IS NULL, NULL, max(?2, coalesce(held_until, ?2))),
                 first_due_at = iif(due_at IS NULL, NULL, max(?2, coalesce(held_until, ?2))),
                 fallback_from = iif(fallback_from IS NULL, NULL, max(?2, coalesce(held_until, ?2)))
             WHERE number = ?1",
        )?
        .execute([number, micros_after(now, within)])
        .map(drop)
}

/// Has a digest that a mute holds back sent at `due_at`, if that is sooner: an event has joined it that is not muted.
fn hurry(writing: &Writing<'_>, carrier: i64, due_at: i64) -> rusqlite::Result<()> {
    writing
        .prepare(
            "UPDATE delivery SET digest_due_at = ?2, due_at = iif(due_at IS NULL, NULL, ?2), held_until = NULL,
                 first_due_at = iif(due_at IS NULL, NULL, ?2), muting = NULL,
                 fallback_from = iif(fallback_from IS NULL, NULL, ?2)
             WHERE number = ?1 AND held_until IS NOT NULL AND digest_due_at > ?2",
        )?
        .execute([carrier, due_at])
        .map(drop)
}

/// Finds the digest of a destination that still gathers.
fn gathering(writing: &Writing<'_>, destination: i64) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT number FROM delivery
             WHERE run_number = ?1 AND destination_id = ?2 AND state = 'waiting' AND lease_until IS NULL
               AND in_doubt = 0
             ORDER BY part <> 'card' DESC, number DESC LIMIT 1",
        )?
        .query_row([DIGEST_LANE, destination], |row| row.get(0))
        .optional()
}

/// Returns whether an event is in a digest of a destination, but not in this one.
fn told_before(
    writing: &Writing<'_>,
    event: &EventId,
    destination: i64,
    gathering: Option<i64>,
) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT event_sequence FROM delivery
             WHERE event_sequence = (SELECT sequence FROM event WHERE id = ?1) AND destination_id = ?2
               AND digest IS NOT NULL AND digest IS NOT ?3",
        )?
        .query_row(params![event.as_str(), destination, gathering], |row| row.get(0))
        .optional()
}

/// Writes up to when a digest had gathered when it was claimed; of one that may have arrived before, that stays.
pub(super) fn seal(
    writing: &Writing<'_>,
    number: i64,
    in_doubt: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    writing
        .prepare(
            "UPDATE delivery SET digest_until = iif(?2, coalesce(digest_until, ?3), ?3)
             WHERE number = ?1 AND digest = number",
        )?
        .execute(params![number, in_doubt, micros(now)])
        .map(drop)
}

/// What is sent as a digest: the carrier, or a delivery that repeats it.
struct Sent {
    /// The carrier's id.
    id: DeliveryId,
    carrier: i64,
    /// No later delivery is in it.
    last: i64,
    since: Timestamp,
    until: Timestamp,
}

/// Reads what a digest tells; `None` where it, or what it repeats, is no longer there.
pub(super) fn read(connection: &Connection, id: &DeliveryId) -> rusqlite::Result<Option<Digest>> {
    let Some(sent) = find(connection, id)? else { return Ok(None) };
    let mut digest = Digest::new(sent.id.clone(), sent.since, sent.until);
    let mut members = connection.prepare_cached(
        "SELECT e.run_number, max(e.sequence), count(*), max(max(e.sequence)) OVER ()
         FROM delivery d INDEXED BY delivery_digest CROSS JOIN event e ON e.sequence = d.event_sequence
         WHERE d.digest = ?1 AND d.number <= ?2 AND d.origin = 'event'
         GROUP BY coalesce(e.run_number, -e.sequence)",
    )?;
    let mut rows = members.query([sent.carrier, sent.last])?;
    while let Some(row) = rows.next()? {
        let (run, own, newest): (Option<i64>, i64, i64) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let last = if run.is_some() { newest } else { own };
        let events = story::without_code(connection, run, last)?;
        if let Some(run) = Run::fold(&events) {
            let events = row.get::<_, i64>(2).map(i64::unsigned_abs)?;
            digest.add(Digested { run, events, issue: None });
        }
    }
    digest.tidy();
    for Digested { run, issue, .. } in &mut digest.runs {
        let Some(group) = &run.group_id else { continue };
        *issue = issue::read(connection, &run.organization, group)?.and_then(|(kept, _)| kept.issue);
    }
    Ok(Some(digest))
}

fn find(connection: &Connection, id: &DeliveryId) -> rusqlite::Result<Option<Sent>> {
    let read = |row: &Row<'_>| {
        let (number, carrier): (i64, i64) = (row.get(0)?, row.get(1)?);
        let until: Option<i64> = row.get(4)?;
        Ok(Sent {
            id: DeliveryId::new(row.get::<_, String>(2)?),
            carrier,
            last: if number == carrier { i64::MAX } else { number },
            since: time(row.get(3)?),
            until: time(until.unwrap_or(row.get(5)?)),
        })
    };
    connection
        .prepare_cached(
            "SELECT d.number, c.number, c.id, c.created_at, c.digest_until, d.created_at
             FROM delivery d CROSS JOIN delivery c ON c.number = d.digest WHERE d.id = ?1",
        )?
        .query_row([id.as_str()], read)
        .optional()
}
