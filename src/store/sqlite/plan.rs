//! Routing: events that wait for their routes are claimed in order of acceptance, and their plans become deliveries.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::delivery::{self, NewDelivery};
use super::value::{micros, micros_after};
use super::{destination, story, writer::Writing};
use crate::delivery::Origin;
use crate::event::EventId;
use crate::store::{Entry, EventTicket, Plan, PlannedDelivery};

/// After how many bytes of stories no further event is claimed: they are all read at once.
const STORY_BYTES: usize = 8 * 1024 * 1024;

/// A claimed event, still without its story.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimed {
    pub(super) ticket: EventTicket,
    pub(super) replay: bool,
}

/// Claims events in order of acceptance, whatever the clock shows: one that waits may be from before the clock was set
/// back. An event whose elder of the same run is out with somebody else stays, so that
/// a run is never planned out of order.
pub(super) fn claim(
    writing: &Writing<'_>,
    now: Timestamp,
    lease: Duration,
    limit: usize,
) -> rusqlite::Result<Vec<Claimed>> {
    let claimed = find_claimable(writing, now, limit)?;
    let mut take = writing.prepare(
        "UPDATE event SET lease_until = ?2, lease_owner = ?3, fence = ?4, tries = tries + 1 WHERE sequence = ?1",
    )?;
    let until = micros_after(now, lease);
    for Claimed { ticket, .. } in &claimed {
        take.execute(params![ticket.sequence, until, writing.owner, ticket.fence])?;
    }
    Ok(claimed)
}

fn find_claimable(writing: &Writing<'_>, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<Claimed>> {
    let mut statement = writing.prepare(
        "SELECT sequence, fence, replay, run_number,
                lease_until IS NULL OR lease_until <= ?1 OR lease_owner IS NOT ?2
         FROM event INDEXED BY event_waiting WHERE due_at IS NOT NULL ORDER BY sequence",
    )?;
    let mut rows = statement.query(params![micros(now), writing.owner])?;
    let mut held_runs = HashSet::new();
    let (mut claimable, mut bytes) = (Vec::new(), 0_usize);
    while claimable.len() < limit && bytes < STORY_BYTES {
        let Some(row) = rows.next()? else { break };
        let run: Option<i64> = row.get(3)?;
        let free: bool = row.get(4)?;
        if free && run.is_none_or(|run| !held_runs.contains(&run)) {
            let ticket = EventTicket { sequence: row.get(0)?, fence: row.get::<_, i64>(1)? + 1 };
            claimable.push(Claimed { ticket, replay: row.get(2)? });
            bytes += story::artifact_bytes(writing.connection, run, ticket.sequence)?;
        } else {
            held_runs.extend(run);
        }
    }
    Ok(claimable)
}

/// Writes plans in order of acceptance; one whose lease was lost changes nothing.
pub(super) fn plan(writing: &mut Writing<'_>, plans: &[Plan], now: Timestamp) -> rusqlite::Result<()> {
    let mut plans: Vec<&Plan> = plans.iter().collect();
    plans.sort_by_key(|plan| plan.ticket.sequence);
    for plan in plans {
        let Some(event) = still_ours(writing, plan.ticket)? else { continue };
        write_routes(writing, plan, now)?;
        for planned in &plan.deliveries {
            queue(writing, &event, planned, now)?;
        }
    }
    Ok(())
}

/// An event whose plan is being written.
struct Planned {
    sequence: i64,
    run: i64,
    replay: bool,
}

fn still_ours(writing: &Writing<'_>, ticket: EventTicket) -> rusqlite::Result<Option<Planned>> {
    writing
        .prepare(
            "SELECT coalesce(run_number, 0), replay FROM event
             WHERE sequence = ?1 AND fence = ?2 AND lease_owner = ?3 AND lease_until IS NOT NULL",
        )?
        .query_row(params![ticket.sequence, ticket.fence, writing.owner], |row| {
            Ok(Planned { sequence: ticket.sequence, run: row.get(0)?, replay: row.get(1)? })
        })
        .optional()
}

fn write_routes(writing: &Writing<'_>, plan: &Plan, now: Timestamp) -> rusqlite::Result<()> {
    let routes = serde_json::Value::from(plan.routes.clone()).to_string();
    writing
        .prepare(
            "UPDATE event SET routes = ?2, planned_at = ?3, due_at = NULL, lease_until = NULL, replay = 0
             WHERE sequence = ?1",
        )?
        .execute(params![plan.ticket.sequence, routes, micros(now)])
        .map(drop)
}

fn queue(
    writing: &mut Writing<'_>,
    event: &Planned,
    planned: &PlannedDelivery,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let destination = destination::ensure(writing, &planned.destination, planned.kind)?;
    let superseded = match &planned.entry {
        Entry::Waiting => false,
        Entry::Superseded => true,
        Entry::SupersededBy(other) => goes_out(writing, other, destination)?,
    };
    let replay_of =
        if event.replay { delivery::newest_of(writing, event.sequence, destination)? } else { None };
    let new = NewDelivery {
        event: event.sequence,
        run: event.run,
        destination,
        template_set: planned.template_set.as_deref(),
        origin: if event.replay { Origin::Replay } else { Origin::Event },
        superseded,
        replay_of,
    };
    delivery::insert(writing, &new, now).map(drop)
}

/// Returns whether an event has a delivery for a destination that is or may yet be sent there.
fn goes_out(writing: &Writing<'_>, event: &EventId, destination: i64) -> rusqlite::Result<bool> {
    writing
        .prepare(
            "SELECT 1 FROM delivery
             WHERE event_sequence = (SELECT sequence FROM event WHERE id = ?1) AND destination_id = ?2
               AND state <> 'superseded' AND NOT (state = 'dead' AND last_reason IS 'removed')",
        )?
        .exists(params![event.as_str(), destination])
}
