//! Lanes: the unfinished deliveries of one run for one destination, of which only the head may be due: a card where one
//! waits, else the oldest.
//!
//! `due_at` is set for the head of a lane, leased or not, and NULL for all others; every statement that changes what is
//! the head comes here afterwards. So a claim never has to look for older ones.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::value::micros;
use super::writer::Writing;

/// No delivery has this number.
const NOBODY: i64 = 0;

/// Returns the head of a lane.
pub(super) fn head(writing: &Writing<'_>, run: i64, destination: i64) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT number FROM delivery WHERE run_number = ?1 AND destination_id = ?2 AND state = 'waiting'
             ORDER BY part <> 'card', number LIMIT 1",
        )?
        .query_row([run, destination], |row| row.get(0))
        .optional()
}

/// Returns until when mutes hold back what waits in a lane; `None` where they hold nothing back there.
pub(super) fn held_until(
    writing: &Writing<'_>,
    run: i64,
    destination: i64,
    now: i64,
) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT max(held_until) FROM delivery
             WHERE run_number = ?1 AND destination_id = ?2 AND state = 'waiting' AND held_until > ?3",
        )?
        .query_row([run, destination, now], |row| row.get(0))
}

/// Ends the hold of mutes on a waiting delivery and on all that stands before it in its lane; tells whether one held it.
pub(super) fn release(writing: &Writing<'_>, number: i64, now: Timestamp) -> rusqlite::Result<bool> {
    let lane: Option<(i64, i64)> = writing
        .prepare(
            "SELECT run_number, destination_id FROM delivery
             WHERE number = ?1 AND state = 'waiting' AND lease_until IS NULL AND held_until > ?2",
        )?
        .query_row(params![number, micros(now)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((run, destination)) = lane else { return Ok(false) };
    writing
        .prepare(
            "UPDATE delivery INDEXED BY delivery_lane
             SET held_until = NULL, due_at = iif(due_at IS NULL, NULL, ?4),
                 first_due_at = iif(first_due_at IS NULL, NULL, ?4),
                 fallback_from = iif(fallback_from IS NULL, NULL, ?4),
                 digest_due_at = iif(digest_due_at IS NULL, NULL, ?4)
             WHERE run_number = ?1 AND destination_id = ?2 AND state = 'waiting' AND held_until > ?4
               AND lease_until IS NULL AND (part = 'card' OR number <= ?3)",
        )?
        .execute(params![run, destination, number, micros(now)])
        .map(|_| true)
}

/// Makes the head of a lane due, unless it is already; one that a mute holds back, and a digest, not before its time.
pub(super) fn promote(
    writing: &Writing<'_>,
    run: i64,
    destination: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let Some(number) = head(writing, run, destination)? else { return Ok(()) };
    writing
        .prepare(
            "UPDATE delivery SET due_at = max(?2, coalesce(held_until, ?2), coalesce(digest_due_at, ?2)),
                 first_due_at = coalesce(first_due_at, max(?2, coalesce(held_until, ?2), coalesce(digest_due_at, ?2)))
             WHERE number = ?1 AND due_at IS NULL",
        )?
        .execute(params![number, micros(now)])
        .map(drop)
}

/// Puts the lanes of a run right after deliveries have joined them from elsewhere. One that is leased is left to whoever
/// sends it.
pub(super) fn put_right(writing: &Writing<'_>, run: i64, now: Timestamp) -> rusqlite::Result<()> {
    let destinations: Vec<i64> = writing
        .prepare("SELECT DISTINCT destination_id FROM delivery WHERE run_number = ?1 AND state = 'waiting'")?
        .query_map([run], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for destination in destinations {
        let Some(head) = head(writing, run, destination)? else { continue };
        make_wait_for(writing, run, destination, head)?;
        promote(writing, run, destination, now)?;
    }
    Ok(())
}

/// Lets nothing in a lane be due but this delivery.
fn make_wait_for(writing: &Writing<'_>, run: i64, destination: i64, head: i64) -> rusqlite::Result<()> {
    writing
        .prepare(
            "UPDATE delivery SET due_at = NULL
             WHERE run_number = ?1 AND destination_id = ?2 AND state = 'waiting' AND due_at IS NOT NULL
               AND number <> ?3",
        )?
        .execute([run, destination, head])
        .map(drop)
}

/// Makes room for a card at the head of a lane; tells whether it may be due: not while something there is leased.
pub(super) fn yield_to_card(writing: &Writing<'_>, run: i64, destination: i64) -> rusqlite::Result<bool> {
    let is_leased = writing
        .prepare(
            "SELECT 1 FROM delivery
             WHERE run_number = ?1 AND destination_id = ?2 AND state = 'waiting' AND lease_until IS NOT NULL",
        )?
        .exists([run, destination])?;
    if !is_leased {
        make_wait_for(writing, run, destination, NOBODY)?;
    }
    Ok(!is_leased)
}
