//! Routing: events that wait for their routes are read in order of acceptance, and their plans become deliveries.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::delivery::{self, NewDelivery};
use super::fresh::Fresh;
use super::value::{micros, time};
use super::{card, destination, digest, ids, issue, lane, routing, story, writer::Writing};
use crate::delivery::{DestinationName, Origin, Part};
use crate::event::{ACTIVITY_ALERT_RESOURCE, Action, Event, EventId};
use crate::routing::Basis;
use crate::run::StepSign;
use crate::store::{Entry, EventTicket, LaterStep, Plan, PlannedDelivery, WaitingEvent};

/// After how many bytes of stories no further event is read.
const STORY_BYTES: usize = 8 * 1024 * 1024;

/// The run of an event that belongs to none.
const NO_RUN: i64 = 0;

/// Reads the first events that wait, in order of acceptance, whatever the clock shows: one that waits may be from before
/// the clock was set back.
pub(super) fn waiting(
    connection: &Connection,
    fresh: &Fresh,
    limit: usize,
    light_bytes: usize,
    left_aside: &[i64],
) -> rusqlite::Result<Vec<WaitingEvent>> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence, fence, replay, run_number FROM event INDEXED BY event_waiting
         WHERE due_at IS NOT NULL ORDER BY sequence",
    )?;
    let left_aside: HashSet<i64> = left_aside.iter().copied().collect();
    let mut rows = statement.query([])?;
    let (mut waiting, mut bytes_read) = (Vec::new(), 0_usize);
    while waiting.len() < limit && bytes_read < STORY_BYTES {
        let Some(row) = rows.next()? else { break };
        let ticket = EventTicket { sequence: row.get(0)?, fence: row.get(1)? };
        if left_aside.contains(&ticket.sequence) {
            continue;
        }
        let (run, replay) = (row.get(3)?, row.get(2)?);
        let (events, bytes, payload) = story_of(connection, fresh, (run, ticket.sequence), light_bytes)?;
        let (issue, issue_bytes) = issue::of_events(connection, &events)?.unzip();
        let bytes = bytes + payload.as_ref().map_or(0, Bytes::len) + issue_bytes.unwrap_or_default();
        bytes_read += bytes;
        let is_alert = events.last().is_some_and(Event::is_alert);
        let later = if is_alert { later_steps(connection, run, ticket.sequence)? } else { Vec::new() };
        waiting.push(WaitingEvent { ticket, events, payload, issue, bytes, later, replay });
    }
    Ok(waiting)
}

/// Returns the events of a run up to a place in the order of acceptance, how long they are, and the body that came there
/// where it is light together with them.
fn story_of(
    connection: &Connection,
    fresh: &Fresh,
    (run, sequence): (Option<i64>, i64),
    light_bytes: usize,
) -> rusqlite::Result<(Vec<Event>, usize, Option<Bytes>)> {
    if let Some(event) = fresh.take(sequence, run) {
        let (bytes, body) = (event.story_bytes(), event.body());
        let is_light = bytes + body.len() <= light_bytes;
        return Ok((vec![event.event()], bytes, is_light.then_some(body)));
    }
    let (events, bytes) = story::of_place(connection, run, sequence)?;
    let payload = match light_bytes.checked_sub(bytes) {
        Some(left) => story::payload(connection, sequence, left)?.body,
        None => None,
    };
    Ok((events, bytes, payload))
}

/// Reads which steps the events of a run after one of them tell of.
fn later_steps(connection: &Connection, run: Option<i64>, sequence: i64) -> rusqlite::Result<Vec<LaterStep>> {
    connection
        .prepare_cached(
            "SELECT id, resource = ?3, iteration, received_at, due_at IS NULL, action FROM event
             WHERE run_number = ?1 AND sequence > ?2 ORDER BY sequence",
        )?
        .query_map(params![run, sequence, ACTIVITY_ALERT_RESOURCE], |row| {
            let sign = StepSign {
                id: EventId::new(row.get_ref(0)?.as_str()?),
                is_alert: row.get(1)?,
                action: Action::from_name(row.get_ref(5)?.as_str()?),
                iteration: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned),
                received_at: time(row.get(3)?),
            };
            Ok(LaterStep { sign, is_planned: row.get(4)? })
        })?
        .collect()
}

/// Writes plans in order of acceptance; one whose ticket counts no longer changes nothing. Returns where edits of cards
/// took the place of ones that waited.
pub(super) fn plan(
    writing: &mut Writing<'_>,
    plans: &[Plan],
    now: Timestamp,
) -> rusqlite::Result<Vec<DestinationName>> {
    let mut plans: Vec<&Plan> = plans.iter().collect();
    plans.sort_by_key(|plan| plan.ticket.sequence);
    let mut tables = Tables::default();
    let mut merged = Vec::new();
    for plan in plans {
        let Some(event) = still_waiting(writing, plan.ticket)? else { continue };
        write_routes(writing, plan, &mut tables, now)?;
        for planned in &plan.deliveries {
            if queue(writing, &event, planned, true, now)? {
                merged.push(planned.destination.clone());
            }
        }
        // What is sent again is sent where it is routed to now; the cards show it already.
        if !event.replay && event.run != NO_RUN {
            edit_cards(writing, &event, plan, &mut merged, now)?;
        }
    }
    Ok(merged)
}

/// Queues an edit wherever the event's run has a card and the event is not routed to.
fn edit_cards(
    writing: &mut Writing<'_>,
    event: &Planned,
    plan: &Plan,
    merged: &mut Vec<DestinationName>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    for keeper in &plan.card_keepers {
        if plan.deliveries.iter().any(|planned| planned.destination == keeper.name) {
            continue;
        }
        let Some(id) = destination::find(writing, &keeper.name)? else { continue };
        let Some(card) = card::newest(writing.connection, event.run, id)? else { continue };
        let edit = PlannedDelivery {
            destination: keeper.name.clone(),
            kind: keeper.kind,
            part: Part::Card,
            template_set: card.template_set,
            mentions: Vec::new(),
            muting: None,
            entry: Entry::Waiting,
        };
        if queue(writing, event, &edit, false, now)? {
            merged.push(edit.destination);
        }
    }
    Ok(())
}

/// An event whose plan is being written.
struct Planned {
    sequence: i64,
    id: EventId,
    run: i64,
    replay: bool,
}

fn still_waiting(writing: &Writing<'_>, ticket: EventTicket) -> rusqlite::Result<Option<Planned>> {
    writing
        .prepare(
            "SELECT id, coalesce(run_number, 0), replay FROM event
             WHERE sequence = ?1 AND fence = ?2 AND due_at IS NOT NULL",
        )?
        .query_row([ticket.sequence, ticket.fence], |row| {
            Ok(Planned {
                sequence: ticket.sequence,
                id: EventId::new(row.get_ref(0)?.as_str()?),
                run: row.get(1)?,
                replay: row.get(2)?,
            })
        })
        .optional()
}

/// The table that a plan rests on, with its number: mostly the next plan's, too.
#[derive(Default)]
struct Tables(Option<(Arc<Basis>, i64)>);

impl Tables {
    fn number_of(
        &mut self,
        writing: &Writing<'_>,
        basis: &Arc<Basis>,
        now: Timestamp,
    ) -> rusqlite::Result<i64> {
        if let Some((_, number)) = self.0.as_ref().filter(|(known, _)| Arc::ptr_eq(known, basis)) {
            return Ok(*number);
        }
        let number = routing::ensure(writing, basis, now)?;
        self.0 = Some((Arc::clone(basis), number));
        Ok(number)
    }
}

fn write_routes(
    writing: &Writing<'_>,
    plan: &Plan,
    tables: &mut Tables,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let routes = serde_json::Value::from(plan.routes.clone()).to_string();
    let reasons = plan.reasons.as_ref();
    let number = reasons.map(|reasons| tables.number_of(writing, &reasons.basis, now)).transpose()?;
    writing
        .prepare(
            "UPDATE event SET routes = ?2, planned_at = ?3, issue_unknown = ?4, due_at = NULL, replays = replays + replay, replay = 0,
                 routing = ?5,
                 answers = ?6, seen = ?7
             WHERE sequence = ?1",
        )?
        .execute(params![
            plan.ticket.sequence,
            routes,
            micros(now),
            plan.issue_unknown,
            number,
            reasons.map(|reasons| reasons.answers.as_text()),
            reasons.and_then(|reasons| reasons.answers.seen_as_json()),
        ])
        .map(drop)
}

/// Queues a delivery; returns whether it is a card's, and took the place of one that waited.
fn queue(
    writing: &mut Writing<'_>,
    event: &Planned,
    planned: &PlannedDelivery,
    is_routed: bool,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let destination = destination::ensure(writing, &planned.destination, planned.kind)?;
    let (superseded, told_by) = match &planned.entry {
        Entry::Waiting | Entry::Gathered { .. } => (false, None),
        Entry::Superseded => (true, None),
        Entry::SupersededBy(other) => {
            let told_by = goes_out(writing, other, destination, planned.part)?;
            (told_by.is_some(), told_by)
        }
    };
    let replay_of = if event.replay {
        delivery::newest_of(writing, event.sequence, destination, planned.part)?
    } else {
        None
    };
    if let Some(held) = replay_of
        && lane::release(writing, held, now)?
    {
        // It was not sent yet, and is now.
        return Ok(false);
    }
    let id = if event.replay {
        writing.ids.delivery(now)
    } else {
        ids::planned_delivery(&event.id, &planned.destination, planned.part)
    };
    let new = NewDelivery {
        id: &id,
        event: event.sequence,
        run: event.run,
        destination,
        part: planned.part,
        template_set: planned.template_set.as_deref(),
        mentions: &planned.mentions,
        muting: planned.muting.as_ref(),
        origin: if event.replay { Origin::Replay } else { Origin::Event },
        superseded,
        told_by,
        is_routed,
        digest: None,
        replay_of,
        stands_for: None,
    };
    match &planned.entry {
        Entry::Gathered { within, unless } => {
            digest::gather(writing, &new, *within, unless.as_ref(), now).map(|()| false)
        }
        Entry::Waiting | Entry::Superseded | Entry::SupersededBy(_) => {
            delivery::insert(writing, &new, now).map(|inserted| inserted.is_merged)
        }
    }
}

/// Returns the place of an event of which this part has a delivery for a destination that is or may yet be sent there, or
/// to what stands in for it.
fn goes_out(
    writing: &Writing<'_>,
    event: &EventId,
    destination: i64,
    part: Part,
) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT event_sequence FROM delivery
             WHERE event_sequence = (SELECT sequence FROM event WHERE id = ?1) AND destination_id = ?2 AND part = ?3
               AND (state <> 'superseded' OR fallback_by IS NOT NULL) AND NOT (state = 'dead' AND last_reason IS 'removed')",
        )?
        .query_row(params![event.as_str(), destination, part.as_str()], |row| row.get(0))
        .optional()
}
