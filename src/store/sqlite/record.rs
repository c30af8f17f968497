//! Records: an attempt, what follows for its delivery, its lane and its destination, all or nothing, and only while
//! the lease is ours.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::value::{micros, span};
use super::{card, dead, destination, fallback, lane, message, writer::Writing};
use crate::delivery::{Attempt, DeliveryState, Reason, Rung};
use crate::store::{DeliveryTicket, Next, Record, Recorded};

/// Writes a record.
pub(super) fn record(writing: &Writing<'_>, record: &Record, now: Timestamp) -> rusqlite::Result<Recorded> {
    let Some(before) = still_ours(writing, record.ticket)? else { return Ok(Recorded::LeaseLost) };
    let mut attempts = before.attempts;
    if let Some(attempt) = &record.attempt {
        attempts += 1;
        insert_attempt(writing, record.ticket.number, attempts, attempt)?;
    }
    let after = what_follows(writing, &before, record)?;
    let finished = after.state != DeliveryState::Waiting;
    let last = record.attempt.as_ref();
    writing
        .prepare(
            "UPDATE delivery SET state = ?2, due_at = ?3, lease_until = NULL, attempts = ?4, failures = ?5,
                 rung = coalesce(?6, rung), last_status = CASE ?7 WHEN 1 THEN ?8 ELSE last_status END,
                 last_reason = CASE WHEN ?9 IS NOT NULL OR ?7 THEN ?9 ELSE last_reason END, finished_at = ?10,
                 in_doubt = ?11
             WHERE number = ?1",
        )?
        .execute(params![
            record.ticket.number,
            after.state.as_str(),
            after.due_at,
            attempts,
            after.failures,
            after.rung.map(Rung::as_str),
            last.is_some(),
            last.and_then(|attempt| attempt.status),
            after.died_of.or(last.and_then(|attempt| attempt.reason)).map(Reason::as_str),
            finished.then_some(micros(now)),
            record.in_doubt,
        ])?;
    destination::change(writing, before.destination, &record.destination, now)?;
    message::change(writing, before.run, before.destination, &record.message)?;
    if before.is_card && after.state == DeliveryState::Dead && record.in_doubt {
        card::pass_doubt_on(writing, before.run, before.destination)?;
    }
    if after.due_at.is_none() {
        lane::promote(writing, before.run, before.destination, now)?;
    }
    if finished && before.has_fallback {
        fallback::follow(writing, before.run, before.destination)?;
    }
    if let Some(reason) = after.died_of {
        if before.has_fallback && reason != Reason::Removed {
            fallback::take_over(writing, record.ticket.number, Some(reason), now)?;
        }
        dead::count(writing, record.ticket.number, reason, now)?;
    }
    Ok(Recorded::Done)
}

/// A claimed delivery as it stands before the record.
struct Before {
    number: i64,
    run: i64,
    destination: i64,
    is_card: bool,
    attempts: u32,
    failures: u32,
    due_at: Option<i64>,
    /// Whether another destination stands in for its own.
    has_fallback: bool,
}

/// Finds the delivery if the lease is still ours. A lease that has run out is, until somebody claims the delivery.
fn still_ours(writing: &Writing<'_>, ticket: DeliveryTicket) -> rusqlite::Result<Option<Before>> {
    writing
        .prepare(
            "SELECT run_number, destination_id, attempts, failures, due_at, part = 'card',
                    (SELECT fallback IS NOT NULL FROM destination WHERE id = destination_id)
             FROM delivery WHERE number = ?1 AND fence = ?2 AND lease_until IS NOT NULL",
        )?
        .query_row([ticket.number, ticket.fence], |row| {
            Ok(Before {
                number: ticket.number,
                run: row.get(0)?,
                destination: row.get(1)?,
                attempts: row.get(2)?,
                failures: row.get(3)?,
                due_at: row.get(4)?,
                is_card: row.get(5)?,
                has_fallback: row.get(6)?,
            })
        })
        .optional()
}

/// What becomes of the delivery.
struct After {
    state: DeliveryState,
    due_at: Option<i64>,
    failures: u32,
    /// `None` leaves it as it is.
    rung: Option<Rung>,
    died_of: Option<Reason>,
}

fn what_follows(writing: &Writing<'_>, before: &Before, record: &Record) -> rusqlite::Result<After> {
    let finished =
        |state, died_of| After { state, due_at: None, failures: before.failures, rung: None, died_of };
    let still = |due_at: Option<i64>, counted: bool, rung: Option<Rung>| {
        // A card may have come before this one meanwhile, or, after two runs became one, an older delivery: then this one
        // waits for it.
        let is_head = lane::head(writing, before.run, before.destination)? == Some(before.number);
        Ok(After {
            state: DeliveryState::Waiting,
            due_at: due_at.filter(|_| is_head),
            failures: before.failures + u32::from(counted),
            rung,
            died_of: None,
        })
    };
    match &record.next {
        Next::Delivered => Ok(finished(DeliveryState::Delivered, None)),
        Next::Superseded => Ok(finished(DeliveryState::Superseded, None)),
        Next::Dead(reason) => Ok(finished(DeliveryState::Dead, Some(*reason))),
        Next::Retry { due_at, counted, rung } => still(Some(micros(*due_at)), *counted, Some(*rung)),
        Next::GivenBack => still(before.due_at, false, None),
    }
}

fn insert_attempt(
    writing: &Writing<'_>,
    delivery: i64,
    number: u32,
    attempt: &Attempt,
) -> rusqlite::Result<()> {
    writing
        .prepare(
            "INSERT INTO attempt (delivery_number, attempt, started_at, duration_us, rung, status, reason, words,
                                  template)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            delivery,
            number,
            micros(attempt.started_at),
            span(attempt.duration),
            attempt.rung.as_str(),
            attempt.status,
            attempt.reason.map(Reason::as_str),
            attempt.words,
            attempt.template,
        ])
        .map(drop)
}
